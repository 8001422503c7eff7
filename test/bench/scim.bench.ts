// Measures what identity providers send to the service as one command starts it, beside the floors R and W.
import { ApiClient, type ServiceProcess } from '@app/testkit';
import { CONNECTIONS, type Floors } from './floors.js';
import { load, type LoadRequest, type LoadResult } from './load.js';
import { perSecond, type Row } from './rows.js';

const REQUESTS = 10_000;
/** As many as the floors are warmed with. */
const WARM = REQUESTS;
const USERS = WARM + REQUESTS;
const MANY_USERS = 100_000;
/** Users who are deactivated and reactivated by turns. */
const CHANGING = 5_000;
const LARGE_GROUP = 10_000;
/** Members that come and go, one at a time; the others stay. */
const COMING = 10;
/** Connections at which the slowest are looked at. */
const CROWD = 64;

export const userOf = (i: number): object => ({
  schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'],
  userName: `user-${i}@example.com`,
  externalId: `00u${i}`,
  name: { givenName: 'Grace', familyName: `Hopper ${i}` },
  displayName: `Grace Hopper ${i}`,
  emails: [{ value: `user-${i}@example.com`, type: 'work', primary: true }],
  active: true,
});

const patchOf = (operation: object): string =>
  JSON.stringify({ schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'], Operations: [operation] });

export const activeOf = (active: boolean): string => patchOf({ op: 'replace', path: 'active', value: active });

const renameTo = (name: string): string => patchOf({ op: 'replace', path: 'displayName', value: name });

const ratioRow = (what: string, measured: number, base: number, goal: string): Row => ({
  what,
  measured: perSecond(measured),
  floor: `${goal.split(' ').slice(2).join(' ')} ${perSecond(base)}`,
  ratio: measured / base,
  goal,
});

/** One run against one service. Every row is measured warm, as the floors are. */
export class ScimBench {
  private readonly scim: ApiClient;
  private readonly ids: string[] = [];
  private created = 0;

  constructor(
    private readonly service: ServiceProcess,
    private readonly floors: Floors,
  ) {
    this.scim = new ApiClient(service.scimBaseUrl, service.scimToken as string, 'application/scim+json');
  }

  /** @param many once more at 100,000 users, which take a while to make */
  async measure(many: boolean): Promise<Row[]> {
    await this.create(WARM);
    const posted = await this.written('POST /Users', () => this.create(REQUESTS));
    await this.readIds();
    const found = await this.read(`filter userName eq at ${USERS} users`, this.find);
    const rows = [
      posted,
      await this.patched('PATCH active', CHANGING, (i) => activeOf(Math.floor(i / CHANGING) % 2 === 1)),
      await this.patched('PATCH displayName', USERS, (i) => renameTo(`N ${i}`)),
      found.row,
      (await this.read('GET one user', (i) => ({ method: 'GET', path: this.userPath(i) }))).row,
      await this.page(),
      ...(await this.mix()),
      // Last, because it makes everybody a member of many groups.
      ...(await this.groups()),
    ];
    return many ? [...rows, await this.findAmongMany(found.perSecond)] : rows;
  }

  private async written(what: string, work: () => Promise<{ perSecond: number }>): Promise<Row> {
    const w = await this.floors.durable();
    return ratioRow(what, (await work()).perSecond, w.perSecond, '>= 0.70 W');
  }

  private async read(
    what: string,
    next: (i: number) => LoadRequest,
  ): Promise<{ readonly row: Row; readonly perSecond: number }> {
    await this.run(WARM, next);
    const r = await this.floors.echo();
    const { perSecond } = await this.run(REQUESTS, (i) => next(i + WARM));
    return { row: ratioRow(what, perSecond, r.perSecond, '>= 0.80 R'), perSecond };
  }

  /** @param users whose turn it is, one after another */
  private async patched(what: string, users: number, bodyOf: (i: number) => string): Promise<Row> {
    const next = (i: number): LoadRequest => ({ method: 'PATCH', path: this.userPath(i % users), body: bodyOf(i) });
    await this.run(WARM, next);
    return this.written(what, () => this.run(REQUESTS, (i) => next(i + WARM)));
  }

  private create(count: number): Promise<LoadResult> {
    const from = this.created;
    this.created += count;
    return this.run(count, (i) => ({ method: 'POST', path: '/Users', body: JSON.stringify(userOf(from + i)) }));
  }

  private async readIds(): Promise<void> {
    for (let start = 1; start <= USERS; start += 1000) {
      const path = `/Users?startIndex=${start}&count=1000&attributes=id`;
      const { body } = await this.scim.get<{ Resources: { id: string }[] }>(path);
      this.ids.push(...body.Resources.map(({ id }) => id));
    }
  }

  private readonly userPath = (i: number): string => `/Users/${this.ids[i % this.ids.length]}`;

  /** Another user each time, in another case than it was created. */
  private readonly find = (i: number): LoadRequest => {
    const filter = encodeURIComponent(`userName eq "USER-${(i * 7919) % this.created}@example.com"`);
    return { method: 'GET', path: `/Users?filter=${filter}` };
  };

  private async page(): Promise<Row> {
    const path = (i: number) => `/Users?count=100&startIndex=${1 + 100 * (i % (USERS / 100))}`;
    const measured = await this.warm(REQUESTS / 5, (i) => ({ method: 'GET', path: path(i) }));
    const floor = await this.floors.echoOf((await this.scim.get(path(0))).body, REQUESTS / 5);
    return ratioRow('list page of 100', measured.perSecond, floor.perSecond, '>= 1.50 R');
  }

  /** As many groups as connections, so that writes of one do not wait for those of another. */
  private async groups(): Promise<Row[]> {
    const small = await this.changeMembers(1_000);
    const w = await this.floors.durable();
    const large = await this.changeMembers(LARGE_GROUP);
    const path = `/Groups/${large.ids[0]}`;
    const get = await this.warm(REQUESTS / 50, () => ({ method: 'GET', path }));
    const floor = await this.floors.echoOf((await this.scim.get(path)).body, REQUESTS / 50);
    return [
      ratioRow('PATCH one member of 10,000', large.perSecond, w.perSecond, '>= 0.70 W'),
      ratioRow('the same, and of 1,000', large.perSecond, small.perSecond, '>= 0.90 x 1,000'),
      ratioRow('GET a group of 10,000', get.perSecond, floor.perSecond, '>= 2.00 R'),
    ];
  }

  private async changeMembers(size: number): Promise<{ ids: string[]; perSecond: number }> {
    const members = this.ids.slice(0, size).map((value) => ({ value }));
    const ids: string[] = [];
    for (let i = 0; i < CONNECTIONS; i += 1) {
      const schemas = ['urn:ietf:params:scim:schemas:core:2.0:Group'];
      const group = { schemas, displayName: `group ${size} ${i}`, members };
      const { status, body } = await this.scim.post<{ id: string }>('/Groups', group);
      if (status !== 201) throw new Error(`creating a group of ${size}: ${status}`);
      ids.push(body.id);
    }
    const change = (i: number): LoadRequest => {
      const round = Math.floor(i / CONNECTIONS);
      const value = this.ids[USERS - 1 - (Math.floor(round / 2) % COMING)] as string;
      const add = { op: 'add', path: 'members', value: [{ value }] };
      const remove = { op: 'remove', path: `members[value eq "${value}"]` };
      const path = `/Groups/${ids[i % CONNECTIONS]}`;
      return { method: 'PATCH', path, body: patchOf(round % 2 === 0 ? add : remove) };
    };
    return { ids, perSecond: (await this.warm(REQUESTS / 2, change)).perSecond };
  }

  /** What a synchronisation sends: it looks for each user, then creates or changes it. */
  private async mix(): Promise<Row[]> {
    const next = (from: number) => (i: number) => {
      const n = from + i;
      if (n % 2 === 0) return this.find(n);
      const displayName = renameTo(`M ${n}`);
      if (n % 4 === 1) return { method: 'PATCH', path: this.userPath(n), body: displayName } as const;
      return { method: 'POST', path: '/Users', body: JSON.stringify(userOf(10_000_000 + n)) } as const;
    };
    await this.run(WARM, next(0));
    const row = await this.written('mix: filter, then POST or PATCH', () => this.run(REQUESTS, next(WARM)));
    const crowded = await this.run(REQUESTS, next(WARM + REQUESTS), CROWD);
    const floor = await this.floors.durable(CROWD);
    return [
      row,
      {
        what: `the same at ${CROWD} connections, p99`,
        measured: `${crowded.p99.toFixed(1)} ms`,
        floor: `W ${floor.p99.toFixed(1)} ms`,
        ratio: crowded.p99 / floor.p99,
        goal: '<= 2.00 W',
      },
    ];
  }

  private async findAmongMany(before: number): Promise<Row> {
    await this.create(MANY_USERS - this.created);
    const measured = await this.warm(REQUESTS, this.find);
    return ratioRow(`filter at ${MANY_USERS} users`, measured.perSecond, before, `>= 0.95 x ${USERS}`);
  }

  private async warm(count: number, next: (i: number) => LoadRequest): Promise<LoadResult> {
    await this.run(count, next);
    return this.run(count, (i) => next(i + count));
  }

  private run(count: number, next: (i: number) => LoadRequest, connections = CONNECTIONS): Promise<LoadResult> {
    const { origin, pathname } = new URL(this.service.scimBaseUrl);
    const headers = { authorization: `Bearer ${this.service.scimToken}`, 'content-type': 'application/scim+json' };
    const under = (i: number) => {
      const request = next(i);
      return { ...request, path: `${pathname}${request.path}` };
    };
    return load({ origin, headers, connections, count, next: under, status: [200, 201, 204] });
  }
}
