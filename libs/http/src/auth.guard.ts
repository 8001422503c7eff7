// The one guard, global and denying by default: no route is open unless it says so.
import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { PUBLIC, REQUIRES, type AuthenticatedRequest } from './decorators.js';
import type { Role } from './principal.js';
import { Forbidden, Unauthorized } from './refusals.js';

interface Rule {
  readonly open: boolean;
  readonly roles: readonly Role[];
}

@Injectable()
export class AuthGuard implements CanActivate {
  /** What each handler declares; decorators do not change while the service runs. */
  private readonly rules = new WeakMap<object, Rule>();

  constructor(private readonly reflector: Reflector) {}

  canActivate(context: ExecutionContext): boolean {
    const { open, roles } = this.ruleOf(context);
    if (open) return true;
    const { principal } = context.switchToHttp().getRequest<Partial<AuthenticatedRequest>>();
    if (principal === undefined) throw new Unauthorized();
    if (!principal.roles.some((role) => roles.includes(role))) throw new Forbidden();
    return true;
  }

  private ruleOf(context: ExecutionContext): Rule {
    const handler = context.getHandler();
    let rule = this.rules.get(handler);
    if (rule === undefined) {
      const targets = [handler, context.getClass()];
      rule = {
        open: this.reflector.getAllAndOverride<boolean | undefined>(PUBLIC, targets) === true,
        roles: this.reflector.getAllAndOverride<readonly Role[] | undefined>(REQUIRES, targets) ?? [],
      };
      this.rules.set(handler, rule);
    }
    return rule;
  }
}
