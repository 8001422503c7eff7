// Facts about roles and teams of the agent platform: what they are, what gives them, and who has them.

export type RoleKind = 'role' | 'team' | 'condition';

/** Somebody who has a role, and every way they came to it. */
export interface RoleMember {
  readonly userId: string;
  /** At least one of `manual`, `condition`, `claim` and `scim:<group id>`. */
  readonly sources: readonly string[];
}

/** Gives a role to the members of one group, or of all groups that have a name, and of the groups in them. */
export interface GroupRule {
  readonly role: string;
  readonly group:
    | { readonly id: string }
    /** Compared without regard to case when `ignoreCase`. Of the groups that this connection provisioned; absent: of all. */
    | { readonly displayName: string; readonly ignoreCase?: boolean; readonly connection?: string };
}

/** Gives a role by what a template makes of a person's attributes: names, one a line. */
export interface ClaimRule {
  /** Given when one of the names equals `equals`. Left out: every name that is the id of a role gives that role. */
  readonly role?: string;
  readonly claim: { readonly template: string; readonly equals?: string; readonly ignoreCase?: boolean };
}

export type MappingRule = GroupRule | ClaimRule;

export interface RoleEvents {
  /** `condition` is a filter (RFC 7644) over a person: then it alone decides who has the role. */
  RoleDefined: { roleId: string; name: string; kind: RoleKind; condition?: string };
  /** With everything that required it: nobody has it any more. */
  RoleDeleted: { roleId: string };
  /** A whole set of rules; changes nothing until it is activated. */
  MappingDrafted: { mappingId: string; name: string; rules: MappingRule[] };
  /** Its rules replace those that were in force. */
  MappingActivated: { mappingId: string };
  /** `changed` still have the role, in other ways than before. Ids only: why an attribute gave it stays with the attribute. */
  RoleMembershipChanged: { roleId: string; added: RoleMember[]; changed: RoleMember[]; removed: string[] };
}
