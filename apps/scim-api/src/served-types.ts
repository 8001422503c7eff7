// The resource types served under /scim/v2; discovery describes exactly these.
import { agentType, createRegistry, groupType, userType, type Registry } from '@app/scim';

export const registry: Registry = createRegistry([userType, groupType, agentType]);
