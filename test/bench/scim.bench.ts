// Measures what identity providers send to the service as one command starts it, beside the floors R and W.
import { ApiClient, type ServiceProcess } from '@app/testkit';
import { CONNECTIONS, type Floors } from './floors.js';
import { load, type LoadRequest, type LoadResult } from './load.js';
import { inTurns, perSecond, type Row } from './rows.js';

/** Of a row. */
const REQUESTS = 10_000;
/** Before each row, as before the floors: a program is compiled while it is used. */
const WARM = 20_000;
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

/** Sends the requests with the numbers from `from` on. */
type Slice = (from: number, count: number) => Promise<LoadResult>;

interface Measured {
  readonly what: string;
  readonly goal: string;
  readonly floor: Slice;
  readonly work: Slice;
  /** Default {@link REQUESTS}. */
  readonly count?: number;
}

const throughput = ({ perSecond: value }: LoadResult): number => value;

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
    const posted = await this.written('POST /Users', this.create);
    await this.readIds();
    const found = await this.read(`filter userName eq at ${USERS} users`, this.find);
    const rows = [
      posted,
      await this.patched('PATCH active', CHANGING, (i) => activeOf(Math.floor(i / CHANGING) % 2 === 1)),
      await this.patched('PATCH displayName', USERS, (i) => renameTo(`N ${i}`)),
      found,
      await this.read('GET one user', (i) => ({ method: 'GET', path: this.userPath(i) })),
      await this.page(),
      ...(await this.mix()),
      // Last, because it makes everybody a member of many groups.
      ...(await this.groups()),
    ];
    return many ? [...rows, await this.findAmongMany(found)] : rows;
  }

  /** Warm, and in turns with the floor: a machine that others use as well is not equally fast all the time. */
  private async beside({ what, goal, floor, work, count = REQUESTS }: Measured): Promise<Row> {
    const warm = (count / REQUESTS) * WARM;
    await work(0, warm);
    const turns = await inTurns(count, floor, (from, size) => work(warm + from, size), throughput);
    const [, , name = ''] = goal.split(' ', 3);
    return {
      what,
      measured: perSecond(turns.measured),
      floor: `${name} ${perSecond(turns.floor)}`,
      ratio: turns.ratio,
      goal,
    };
  }

  private written(what: string, work: Slice): Promise<Row> {
    return this.beside({ what, goal: '>= 0.70 W', floor: (_, count) => this.floors.durable(count), work });
  }

  private read(what: string, next: (i: number) => LoadRequest): Promise<Row> {
    return this.beside({
      what,
      goal: '>= 0.80 R',
      floor: (_, count) => this.floors.echo(count),
      work: this.requests(next),
    });
  }

  /** @param users whose turn it is, one after another */
  private patched(what: string, users: number, bodyOf: (i: number) => string): Promise<Row> {
    const next = (i: number): LoadRequest => ({ method: 'PATCH', path: this.userPath(i % users), body: bodyOf(i) });
    return this.written(what, this.requests(next));
  }

  private readonly create: Slice = (_, count) => {
    const from = this.created;
    this.created += count;
    return this.run(count, (i) => ({ method: 'POST', path: '/Users', body: JSON.stringify(userOf(from + i)) }));
  };

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
    await this.floors.keep((await this.scim.get(path(0))).body);
    const work = this.requests((i) => ({ method: 'GET', path: path(i) }));
    return this.besideKept({ what: 'list page of 100', goal: '>= 1.50 R', work, count: REQUESTS / 5 });
  }

  private besideKept(measured: Omit<Measured, 'floor'>): Promise<Row> {
    return this.beside({ ...measured, floor: (_, count) => this.floors.kept(count) });
  }

  private async groups(): Promise<Row[]> {
    const small = await this.groupsOf(1_000);
    const large = await this.groupsOf(LARGE_GROUP);
    const path = `/Groups/${large[0]}`;
    const patched = await this.written(`PATCH one member of ${LARGE_GROUP}`, this.changeMembers(large));
    // The floor is to be as warm as what stands beside it.
    await this.changeMembers(small)(0, WARM);
    const compared = await this.beside({
      what: 'the same, and of 1000',
      goal: '>= 0.90 x1000',
      floor: this.changeMembers(small, WARM),
      work: this.changeMembers(large, WARM + REQUESTS),
      count: REQUESTS / 2,
    });
    await this.floors.keep((await this.scim.get(path)).body);
    const work = this.requests(() => ({ method: 'GET', path }));
    const what = `GET a group of ${LARGE_GROUP}`;
    return [patched, compared, await this.besideKept({ what, goal: '>= 2.00 R', work, count: REQUESTS / 50 })];
  }

  /** As many groups as connections, so that writes of one do not wait for those of another. */
  private async groupsOf(size: number): Promise<string[]> {
    const members = this.ids.slice(0, size).map((value) => ({ value }));
    const ids: string[] = [];
    for (let i = 0; i < CONNECTIONS; i += 1) {
      const schemas = ['urn:ietf:params:scim:schemas:core:2.0:Group'];
      const group = { schemas, displayName: `group ${size} ${i}`, members };
      const { status, body } = await this.scim.post<{ id: string }>('/Groups', group);
      if (status !== 201) throw new Error(`creating a group of ${size}: ${status}`);
      ids.push(body.id);
    }
    return ids;
  }

  /** @param after so many requests that were sent before: who was added then is removed now */
  private changeMembers(groups: readonly string[], after = 0): Slice {
    return this.requests((n) => {
      const round = Math.floor((after + n) / CONNECTIONS);
      const value = this.ids[USERS - 1 - (Math.floor(round / 2) % COMING)] as string;
      const add = { op: 'add', path: 'members', value: [{ value }] };
      const remove = { op: 'remove', path: `members[value eq "${value}"]` };
      const path = `/Groups/${groups[(after + n) % CONNECTIONS]}`;
      return { method: 'PATCH', path, body: patchOf(round % 2 === 0 ? add : remove) };
    });
  }

  /** What a synchronisation sends: it looks for each user, then creates or changes it. */
  private async mix(): Promise<Row[]> {
    const next = (n: number): LoadRequest => {
      if (n % 2 === 0) return this.find(n);
      if (n % 4 === 1) return { method: 'PATCH', path: this.userPath(n), body: renameTo(`M ${n}`) };
      return { method: 'POST', path: '/Users', body: JSON.stringify(userOf(10_000_000 + n)) };
    };
    const row = await this.written('mix: filter, then POST or PATCH', this.requests(next));
    const crowded = await inTurns(
      REQUESTS,
      (_, count) => this.floors.durable(count, CROWD),
      (from, count) => this.run(count, (i) => next(WARM + REQUESTS + from + i), CROWD),
      ({ p99 }) => p99,
    );
    return [
      row,
      {
        what: `the same at ${CROWD} connections, p99`,
        measured: `${crowded.measured.toFixed(1)} ms`,
        floor: `W ${crowded.floor.toFixed(1)} ms`,
        ratio: crowded.ratio,
        goal: '<= 2.00 W',
      },
    ];
  }

  /** @param few the same among fewer users */
  private async findAmongMany(few: Row): Promise<Row> {
    await this.create(0, MANY_USERS - this.created);
    const many = await this.read(`filter at ${MANY_USERS} users`, this.find);
    return { ...many, ratio: many.ratio / few.ratio, goal: `>= 0.95 of that at ${USERS}` };
  }

  private requests(next: (i: number) => LoadRequest): Slice {
    return (from, count) => this.run(count, (i) => next(from + i));
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
