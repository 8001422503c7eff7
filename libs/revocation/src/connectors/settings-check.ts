// Checks a provider's settings against a table of rules, and says how to mend what is wrong.

export interface SettingRule {
  readonly required?: true;
  readonly valid: (value: unknown) => boolean;
  /** Completes the sentence `<name> must be ...`. */
  readonly must: string;
}

export type SettingRules = Readonly<Record<string, SettingRule>>;

/**
 * RFC 7009 section 2 allows a query, and everybody who may read settings would read what is in it: what a server says of
 * itself (RFC 8414) may have one, what is configured may not.
 */
export const url: SettingRule = {
  valid: (value) => typeof value === 'string' && /^https?:\/\/[^@?#]+$/.test(value) && URL.canParse(value),
  must:
    'an absolute https:// URL (http:// where the operator allows it) without credentials, query and fragment: ' +
    'what is secret belongs into "secret"',
};

export const text: SettingRule = {
  valid: (value) => typeof value === 'string' && value !== '',
  must: 'a text that is not empty',
};

export const flag: SettingRule = { valid: (value) => typeof value === 'boolean', must: 'true or false' };

export const milliseconds: SettingRule = {
  valid: (value) => Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 3_600_000,
  must: 'a whole number of milliseconds up to 3600000',
};

export function oneOf(...values: readonly string[]): SettingRule {
  return { valid: (value) => values.includes(value as string), must: `one of ${values.join(', ')}` };
}

export function required(rule: SettingRule): SettingRule {
  return { ...rule, required: true };
}

/** One sentence per problem; none quotes what was sent, names included. A name without a rule is a problem: a typing error would switch a proof off in silence. */
export function problemsOf(settings: Readonly<Record<string, unknown>>, rules: SettingRules): string[] {
  const problems = Object.keys(settings)
    .filter((name) => rules[name] === undefined)
    .map(() => `A setting was sent that is not one of this connector: use ${Object.keys(rules).join(', ')}.`);
  for (const [name, rule] of Object.entries(rules)) {
    const value = settings[name];
    if (value === undefined) {
      if (rule.required === true) problems.push(`${name} is missing: it must be ${rule.must}.`);
    } else if (!rule.valid(value)) {
      problems.push(`${name} must be ${rule.must}.`);
    }
  }
  return problems;
}
