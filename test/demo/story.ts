// Tells the story in sentences with times, and keeps count of the facts that were to be observed.

export class Story {
  private readonly began = performance.now();
  private facts = 0;
  private readonly failed: string[] = [];

  chapter(title: string): void {
    process.stdout.write(`\n${title}\n`);
  }

  /** One sentence, with the seconds since the beginning. */
  tell(sentence: string): void {
    const seconds = ((performance.now() - this.began) / 1000).toFixed(2).padStart(6);
    process.stdout.write(`${seconds} s  ${sentence}\n`);
  }

  /** A sentence that has to be true for the demo to pass. */
  fact(sentence: string, isTrue: boolean): void {
    this.facts += 1;
    if (!isTrue) this.failed.push(sentence);
    this.tell(`${isTrue ? '✓' : '✗ NOT TRUE:'} ${sentence}`);
  }

  /** @returns the exit code: 0 only if at least one fact was observed and every one was true */
  end(): number {
    const good = this.facts - this.failed.length;
    process.stdout.write(`\n${good} of ${this.facts} expected facts were observed.\n`);
    return this.facts > 0 && this.failed.length === 0 ? 0 : 1;
  }
}
