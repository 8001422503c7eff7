// The console role: the operators' API and the page that uses it.
import { Module } from '@nestjs/common';
import { CqrsModule } from '@nestjs/cqrs';
import { CascadesController } from './cascades.controller.js';
import { EvidenceController } from './evidence.controller.js';
import { Names } from './names.js';
import { PageController } from './page.controller.js';
import { Presented } from './presented.js';
import { RevocationsController } from './revocations.controller.js';
import { SummaryController } from './summary.controller.js';

/**
 * Needs, provided globally: `Cascades`, `Trail`, `Ledger`, `Checkpoints`, `EvidenceBundles` of the audit room, `Clock`,
 * {@link OperatorViews}; where a worker runs in this process, also {@link Lanes}.
 */
@Module({
  imports: [CqrsModule],
  controllers: [SummaryController, CascadesController, RevocationsController, EvidenceController, PageController],
  providers: [Names, Presented],
})
export class ConsoleModule {}
