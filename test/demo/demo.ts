// The whole way over real HTTP: a person is hired, her agents get access, she is terminated, everything ends, the proof holds.
import { ApiClient, startService } from '@app/testkit';
import { assemble } from './cast.js';
import { grantAccess, hire } from './hiring.js';
import { deactivate, watchCascade } from './offboarding.js';
import { showTrail, verifyProof } from './proof.js';
import { Story } from './story.js';

const story = new Story();
const cast = await assemble();
const service = await startService({ env: { LOG_LEVEL: 'fatal' } });
try {
  const { scimBaseUrl, scimToken = '', apiBaseUrl, apiKey = '' } = service;
  const scim = new ApiClient(scimBaseUrl, scimToken, 'application/scim+json');
  const api = new ApiClient(apiBaseUrl, apiKey);
  const ada = await hire(story, scim);
  const access = await grantAccess(story, api, cast, ada);
  await deactivate(story, scim, api, ada, access);
  const cascadeId = await watchCascade(story, api, cast, ada, access);
  await showTrail(story, api, ada.userId);
  await verifyProof(story, apiBaseUrl, apiKey, cascadeId);
  story.chapter('The service drains.');
  story.fact('It ends with exit code 0.', (await service.stop()) === 0);
  process.exitCode = story.end();
} finally {
  await service.kill();
  await cast.leave();
}
