// A fake customer service that revokes on a signed webhook (Standard Webhooks) and tells the status of a target.
import { randomBytes } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { LabServer, type Behaviour, type LabAnswer, type LabCall, type LabRequest } from './lab-server.js';

export interface WebhookReceiverOptions {
  readonly secret?: string;
  readonly behaviour?: Behaviour;
}

export interface ReceivedWebhook {
  readonly id: string;
  readonly body: string;
}

interface Message {
  readonly type: string;
  readonly data: { readonly targetId: string };
}

/** A fresh signing secret, `whsec_` and 24 bytes in base64. */
export const newWebhookSecret = (): string => `whsec_${randomBytes(24).toString('base64')}`;

export const startWebhookReceiver = async (options: WebhookReceiverOptions = {}): Promise<WebhookReceiver> => {
  const receiver: WebhookReceiver = new WebhookReceiver(
    options.secret ?? newWebhookSecret(),
    await LabServer.start(options.behaviour ?? {}, (request, call) => receiver.answer(request, call)),
  );
  return receiver;
};

/** POST /revoke and POST /status. A webhook-id seen before is not carried out again and answers `gone`. */
export class WebhookReceiver {
  /** Webhooks with a valid signature, in the order of arrival. */
  readonly received: ReceivedWebhook[] = [];
  private readonly revoked = new Set<string>();

  constructor(
    readonly secret: string,
    private readonly lab: LabServer,
  ) {}

  get url(): string {
    return `${this.lab.origin}/revoke`;
  }

  get statusUrl(): string {
    return `${this.lab.origin}/status`;
  }

  get calls(): readonly LabCall[] {
    return this.lab.calls;
  }

  count(route: string): number {
    return this.lab.count(route);
  }

  behave(behaviour: Behaviour): void {
    this.lab.behave(behaviour);
  }

  isAlive(targetId: string): boolean {
    return !this.revoked.has(targetId);
  }

  async stop(): Promise<void> {
    await this.lab.stop();
  }

  answer(request: LabRequest, call: LabCall): LabAnswer {
    const message = this.verified(request);
    if (message === undefined) return { status: 401 };
    const { targetId } = message.data;
    call.subject = targetId;
    if (call.route === 'POST /status')
      return { status: 200, body: { status: this.isAlive(targetId) ? 'active' : 'gone' } };
    if (call.route !== 'POST /revoke') return { status: 404 };
    this.received.push({ id: String(request.headers['webhook-id']), body: request.body });
    const scripted = this.lab.scripted();
    if (scripted !== undefined) return scripted;
    if (this.lab.lies()) return { status: 200 };
    if (!this.isAlive(targetId)) return { status: 200, body: { status: 'gone' } };
    this.revoked.add(targetId);
    return { status: 200 };
  }

  private verified({ headers, body }: LabRequest): Message | undefined {
    if (this.lab.behaviour.refusesClient === true) return undefined;
    const signed = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
    try {
      return new Webhook(this.secret).verify(body, signed) as Message;
    } catch {
      return undefined;
    }
  }
}
