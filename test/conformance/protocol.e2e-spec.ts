// What somebody who knows RFC 7643, 7644 and 9865 tries first, against a started service.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '@app/testkit';
import { startedService, type Client, type Json, type StartedService } from './started-service.js';
import { patch } from './tables.js';

const USER = 'urn:ietf:params:scim:schemas:core:2.0:User';
const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
const SEARCH = 'urn:ietf:params:scim:api:messages:2.0:SearchRequest';
const BULK = 'urn:ietf:params:scim:api:messages:2.0:BulkRequest';

let service: StartedService;
let client: Client;
beforeAll(async () => {
  service = await startedService();
  client = await service.connect('strict', 'strict');
});
afterAll(() => service.stop());

const query = (parameters: Record<string, string>) => new URLSearchParams(parameters).toString();
const namesOf = ({ Resources }: Json): string => Resources.map(({ userName }: Json) => userName).join(' ');

describe('a list', () => {
  let people: Client;
  const ids: Record<string, string> = {};
  beforeAll(async () => {
    people = await service.connect('people', 'strict');
    const add = async (userName: string, more: object = {}) => {
      const schemas = [USER, ...(ENTERPRISE in more ? [ENTERPRISE] : [])];
      ids[userName] = (await people.create('/Users', { schemas, userName, ...more })).id;
    };
    await add('ann', {
      displayName: 'beta',
      externalId: 'E1',
      title: 'Lead',
      name: { familyName: 'Quinn' },
      emails: [
        { value: 'z@home.example', type: 'home' },
        { value: 'a@work.example', type: 'work', primary: true },
      ],
      [ENTERPRISE]: { department: 'R&D', manager: { value: 'boss' } },
    });
    await add('ben', { displayName: 'Alpha', emails: [{ value: 'm@work.example', type: 'work' }] });
    await add('cyd', { active: false, title: 'LEAD' });
    const members = [{ value: ids['ben'], type: 'User' }];
    await people.create('/Groups', { schemas: [USER.replace('User', 'Group')], displayName: 'Team', members });
  });

  it.each([
    ['userName eq "ANN"', 'ann'],
    ['userName ne "ann"', 'ben cyd'],
    ['userName co "N"', 'ann ben'],
    ['userName sw "b"', 'ben'],
    ['userName ew "d"', 'cyd'],
    ['userName gt "ann" and userName lt "cyd"', 'ben'],
    ['userName ge "ann" and userName le "ben"', 'ann ben'],
    ['title pr', 'ann cyd'],
    ['not (title pr)', 'ben'],
    ['title eq "lead" and active eq true', 'ann'],
    ['title eq "lead" and active eq true or userName eq "ben"', 'ann ben'],
    ['title eq "lead" and (active eq false or userName eq "ben")', 'cyd'],
    ['externalId eq "E1"', 'ann'],
    ['externalId eq "e1"', ''],
    ['name.familyName eq "quinn"', 'ann'],
    ['emails eq "a@work.example"', 'ann'],
    ['emails.type eq "home"', 'ann'],
    ['emails[type eq "work" and value co "@work"]', 'ann ben'],
    ['emails[type eq "home" and primary eq true]', ''],
    ['emails[not (type eq "work")]', 'ann'],
    [`${USER}:userName eq "ann"`, 'ann'],
    [`${ENTERPRISE}:department eq "r&d"`, 'ann'],
    [`${ENTERPRISE}:manager.value eq "boss"`, 'ann'],
    [`schemas eq "${ENTERPRISE}"`, 'ann'],
    ['groups.display eq "team"', 'ben'],
    ['meta.resourceType eq "User" and meta.created gt "2020-01-01T00:00:00Z"', 'ann ben cyd'],
    ['meta.lastModified lt "2020-01-01T00:00:00+01:00"', ''],
    ['userName EQ "ann" OR USERNAME eq "ben"', 'ann ben'],
    ['title eq null', 'ben'],
    ['displayName eq "\\u0041lpha"', 'ben'],
  ])('holds who satisfies %s, in a URL and in a search', async (filter, expected) => {
    const { status, body } = await people.ask('GET', `/Users?${query({ filter })}`);
    expect([status, namesOf(body)]).toEqual([200, expected]);
    const searched = await people.ask('POST', '/Users/.search', { schemas: [SEARCH], filter });
    expect(searched.body).toEqual(body);
  });

  it.each([
    'userName',
    'userName eq',
    'userName is "x"',
    'userName eq "x" and',
    '(userName pr',
    'not userName pr',
    "userName eq 'x'",
    'userName eq 5',
    'active gt true',
    'name eq "x"',
    'emails[type eq "work"',
    'meta.created gt "yesterday"',
    'nobody.knows eq "x"',
    'urn:x:y:z pr',
  ])('is refused for the filter %s', async (filter) => {
    const { status, body } = await people.ask('GET', `/Users?${query({ filter })}`);
    expect([status, body.scimType]).toEqual([400, 'invalidFilter']);
  });

  it.each([
    [{ sortBy: 'displayName' }, 'ben ann cyd'],
    [{ sortBy: 'displayName', sortOrder: 'descending' }, 'cyd ann ben'],
    [{ sortBy: 'emails' }, 'ann ben cyd'],
    [{ sortBy: 'emails.value', sortOrder: 'descending' }, 'cyd ben ann'],
    [{ sortBy: 'name.familyName' }, 'ann ben cyd'],
    [{ sortBy: `${ENTERPRISE}:department`, sortOrder: 'descending' }, 'ben cyd ann'],
    [{ sortBy: 'meta.created', sortOrder: 'descending' }, 'cyd ben ann'],
    [{ sortBy: 'userName', startIndex: '2', count: '1' }, 'ben'],
    [{ sortOrder: 'descending' }, 'ann ben cyd'],
  ])('is ordered by %j', async (parameters, expected) => {
    const { body } = await people.ask('GET', `/Users?${query(parameters as Record<string, string>)}`);
    expect([namesOf(body), body.totalResults]).toEqual([expected, 3]);
  });

  it.each([
    [{ attributes: 'userName' }, ['userName']],
    [{ attributes: 'emails.value' }, ['emails']],
    [{ attributes: `${USER}:displayName,meta.location` }, ['displayName', 'meta']],
    [{ attributes: ENTERPRISE }, [ENTERPRISE]],
    [{ attributes: `${ENTERPRISE}:manager.value` }, [ENTERPRISE]],
    [{ attributes: 'password,nothing' }, []],
    [
      { excludedAttributes: 'id,schemas,meta,emails,name,externalId,active,title' },
      ['displayName', ENTERPRISE, 'userName'],
    ],
  ])('shows of each resource what %j asks for, and always id and schemas', async (parameters, shown) => {
    const asked = query(parameters as Record<string, string>);
    const one = (await people.ask('GET', `/Users/${ids['ann']}?${asked}`)).body;
    expect(Object.keys(one).toSorted()).toEqual(['id', 'schemas', ...shown].toSorted());
    expect((await people.ask('GET', `/Users?${asked}`)).body.Resources[0]).toEqual(one);
  });
});

describe('a PATCH', () => {
  let patched = 0;
  it.each([
    ['of what is read-only', { op: 'replace', path: 'id', value: 'x' }, 'mutability'],
    [
      'of a part of what is read-only',
      { op: 'replace', path: 'meta.created', value: '2020-01-01T00:00:00Z' },
      'mutability',
    ],
    ['that changes what is immutable', { op: 'replace', path: 'externalId', value: 'other' }, 'mutability'],
    ['that removes what is immutable', { op: 'remove', path: 'externalId' }, 'mutability'],
    ['that removes what is required', { op: 'remove', path: 'userName' }, 'mutability'],
    ['without a path to remove', { op: 'remove' }, 'noTarget'],
    ['of elements that are not there', { op: 'replace', path: 'emails[type eq "none"]', value: {} }, 'noTarget'],
    ['of an attribute nobody knows', { op: 'add', path: 'nobody', value: 'x' }, 'invalidPath'],
    ['with half a path', { op: 'add', path: 'emails[type eq "work"', value: 'x' }, 'invalidPath'],
    ['with a filter nobody knows', { op: 'remove', path: 'emails[type is "work"]' }, 'invalidFilter'],
    ['of another type', { op: 'replace', path: 'active', value: 'no' }, 'invalidValue'],
    ['without a value', { op: 'add', path: 'title' }, 'invalidValue'],
    ['that is none', { op: 'move', path: 'title', value: 'x' }, 'invalidSyntax'],
  ])('%s is refused, with everything before it', async (_, operation, scimType) => {
    const userName = `patched-${(patched += 1)}`;
    const { id } = await client.create('/Users', { schemas: [USER], userName, externalId: 'e' });
    const answer = await client.ask(
      'PATCH',
      `/Users/${id}`,
      patch({ op: 'add', path: 'title', value: 'T' }, operation),
    );
    expect([answer.status, answer.body.scimType]).toEqual([400, scimType]);
    const { body, headers } = await client.ask('GET', `/Users/${id}`);
    expect([body.title, headers.get('etag')]).toEqual([undefined, 'W/"0"']);
  });
});

describe('every number that ServiceProviderConfig states', () => {
  let stated: Json;
  let many: Client;
  const operations = (count: number, name: (i: number) => string) =>
    Array.from({ length: count }, (_, i) => ({
      ...{ method: 'POST', path: '/Users', bulkId: `${i}` },
      data: { schemas: [USER], userName: name(i) },
    }));
  const bulk = (Operations: object[]) => many.ask('POST', '/Bulk', { schemas: [BULK], Operations });

  beforeAll(async () => {
    many = await service.connect('many', 'strict');
    stated = (await many.ask('GET', '/ServiceProviderConfig')).body;
  });

  it('of operations and bytes in a bulk request is the most that is taken', async () => {
    const { maxOperations, maxPayloadSize } = stated.bulk;
    const { status, body } = await bulk(operations(maxOperations, (i) => `bulk-${i}`));
    expect([status, new Set(body.Operations.map((one: Json) => one.status))]).toEqual([200, new Set(['201'])]);
    expect(await bulk(operations(maxOperations + 1, (i) => `more-${i}`))).toMatchObject({
      status: 413,
      body: { scimType: 'tooMany' },
    });
    const request = JSON.stringify({ schemas: [BULK], Operations: [] });
    const fits = request.padEnd(maxPayloadSize);
    expect((await many.ask('POST', '/Bulk', fits)).status).toBe(200);
    // Refused before it was read: who is still sending may find the connection closed in place of the answer, and asks again.
    const refused = await eventually('the refusal', () => many.ask('POST', '/Bulk', `${fits} `).catch(() => undefined));
    expect(refused.status).toBe(413);
  });

  it('of resources on a page is the most, and the number without being asked', async () => {
    const { maxPageSize, defaultPageSize } = stated.pagination;
    expect(stated.filter.maxResults).toBe(maxPageSize);
    const { maxOperations } = stated.bulk;
    for (let made = 0; made <= maxPageSize; made += maxOperations) {
      await bulk(operations(maxOperations, (i) => `page-${made + i}`));
    }
    const { totalResults } = (await many.ask('GET', '/Users?count=0')).body;
    expect(totalResults).toBeGreaterThan(maxPageSize);
    for (const [asked, shown] of [
      ['', defaultPageSize],
      [`?count=${maxPageSize * 5}`, maxPageSize],
      [`?count=${maxPageSize * 5}&filter=userName%20pr`, maxPageSize],
      [`?count=${maxPageSize * 5}&cursor=`, maxPageSize],
    ] as const) {
      const { body } = await many.ask('GET', `/Users${asked}`);
      expect([asked, body.itemsPerPage, body.Resources.length]).toEqual([asked, shown, shown]);
      expect(body.totalResults).toBe(totalResults);
    }
  });
});
