// People who left while a provider refuses to revoke what they held: what an operator is there for.
import { eventually, startOAuthProvider, type OAuthProvider } from '@app/testkit';
import type { Scenario, TargetDetail } from './scenario.js';

const REFUSING = 'contoso';

export interface Leaver {
  readonly id: string;
  readonly cascadeId: string;
  readonly targets: readonly TargetDetail[];
}

export class Leavers {
  private constructor(
    private readonly scenario: Scenario,
    private readonly provider: OAuthProvider,
  ) {}

  static async of(scenario: Scenario): Promise<Leavers> {
    const provider = await startOAuthProvider({ clientSecret: 'client-secret' });
    await scenario.configureOAuth(REFUSING, provider, 'client-secret');
    return new Leavers(scenario, provider);
  }

  /** Somebody who was deactivated, `parked` of whose tokens cannot be revoked and `verified` of whose are. */
  async leave(displayName: string, parked: number, verified = 0): Promise<Leaver> {
    this.provider.behave({ script: Array.from({ length: 1000 }, () => 400) });
    const userName = `${encodeURIComponent(displayName)}@example.com`;
    const id = await this.scenario.provisionUser(userName, { displayName });
    await this.scenario.register(id, parked, REFUSING, this.provider);
    if (verified > 0) await this.scenario.register(id, verified);
    await this.scenario.deactivate(id);
    const count = (all: readonly TargetDetail[], state: string) => all.filter((one) => one.state === state).length;
    const targets = await eventually('every target is parked or verified', async () => {
      const all = await this.scenario.targetsOf(id);
      return count(all, 'parked') === parked && count(all, 'verified') === verified ? all : undefined;
    });
    const [cascade] = await this.scenario.cascadesOf(id);
    return { id, cascadeId: cascade?.cascadeId ?? '', targets };
  }

  /** From now on the provider revokes what it is told to. */
  mend(): void {
    this.provider.behave({});
  }

  stop(): Promise<void> {
    return this.provider.stop();
  }
}
