// Folds what a batch of events does to pairs of one kind.

/** What a batch does to the pairs of one kind, e.g. who is in which group: the last word counts. */
export class PairChanges {
  private readonly changes = new Map<string, Map<string, string | undefined>>();

  set(left: string, right: string, type: string | undefined): void {
    let pairs = this.changes.get(left);
    if (pairs === undefined) this.changes.set(left, (pairs = new Map()));
    pairs.set(right, type);
  }

  forget(left: string): void {
    this.changes.delete(left);
  }

  /** @yields for each left side its new right sides with their types, and those that are gone */
  *byLeft(): Generator<{ left: string; added: [right: string, type: string][]; removed: string[] }> {
    for (const [left, pairs] of this.changes) {
      const added: [string, string][] = [];
      const removed: string[] = [];
      for (const [right, type] of pairs) {
        if (type === undefined) removed.push(right);
        else added.push([right, type]);
      }
      yield { left, added, removed };
    }
  }
}
