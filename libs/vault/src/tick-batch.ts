// Does together what is asked for in one tick: one commit, or one query, for all of them.

interface Waiting<Item, Answer> {
  readonly item: Item;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

export class TickBatch<Item, Answer> {
  private waiting: Waiting<Item, Answer>[] = [];
  private running: Promise<void> | undefined;

  /** `run` gets at most `most` items and answers each, in their order; if it throws, all of them are refused. */
  constructor(
    private readonly most: number,
    private readonly run: (items: readonly Item[]) => Promise<readonly Answer[]>,
  ) {}

  add(item: Item): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ item, resolve, reject });
      this.running ??= this.drain();
    });
  }

  /** Resolves when nothing is waiting or running. */
  async idle(): Promise<void> {
    while (this.running !== undefined) await this.running;
  }

  private async drain(): Promise<void> {
    while (this.waiting.length > 0) {
      await new Promise((resolve) => setImmediate(resolve));
      await this.answer(this.waiting.splice(0, this.most));
    }
    this.running = undefined;
  }

  private async answer(batch: readonly Waiting<Item, Answer>[]): Promise<void> {
    try {
      const answers = await this.run(batch.map(({ item }) => item));
      batch.forEach(({ resolve }, index) => resolve(answers[index] as Answer));
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }
}
