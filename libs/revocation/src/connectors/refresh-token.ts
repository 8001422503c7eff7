// Revokes a refresh token of the platform's own authorization server, and with it the family of its access tokens.
import type { Connector, ConnectorContext, ConnectorRequest } from './connector.port.js';
import { Rfc7009 } from './rfc7009.js';
import { Webhook } from './webhook.js';

/** Speaks RFC 7009, or the signed webhook when the settings hold a `url`. */
export class RefreshToken implements Connector {
  readonly name = 'refresh-token';
  readonly version = 1;
  readonly scope = 'family';
  private readonly byRfc7009 = new Rfc7009(this.name, this.scope);
  private readonly byWebhook = new Webhook(this.name, this.scope);

  checkSettings(settings: Readonly<Record<string, unknown>>): string[] {
    return this.way(settings).checkSettings(settings);
  }

  revoke(request: ConnectorRequest, context: ConnectorContext) {
    return this.way(request.provider.settings).revoke(request, context);
  }

  probe(request: ConnectorRequest, context: ConnectorContext) {
    return this.way(request.provider.settings).probe(request, context);
  }

  verifyAfterMs(request: ConnectorRequest, context: ConnectorContext): number | undefined {
    return this.way(request.provider.settings).verifyAfterMs(request, context);
  }

  private way(settings: Readonly<Record<string, unknown>>): Rfc7009 | Webhook {
    return settings['url'] === undefined ? this.byRfc7009 : this.byWebhook;
  }
}
