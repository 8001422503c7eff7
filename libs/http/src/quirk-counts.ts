// Counts, per connection, the deviations from the RFCs that were accepted: what an operator is shown about a client.
import { Injectable } from '@nestjs/common';

/** Counts since the process started; connections are few and quirks are a closed list, so this stays small. */
@Injectable()
export class QuirkCounts {
  private readonly byConnection = new Map<string, Map<string, number>>();

  add(tenant: string, connection: string, quirks: Readonly<Record<string, number>>): void {
    for (const [quirk, count] of Object.entries(quirks)) {
      const key = `${tenant} ${connection}`;
      let counts = this.byConnection.get(key);
      if (counts === undefined) this.byConnection.set(key, (counts = new Map<string, number>()));
      counts.set(quirk, (counts.get(quirk) ?? 0) + count);
    }
  }

  /** How often each quirk of `quirkSentences` was met; empty for a connection that keeps to the RFCs. */
  of(tenant: string, connection: string): Readonly<Record<string, number>> {
    return Object.fromEntries(this.byConnection.get(`${tenant} ${connection}`) ?? []);
  }
}
