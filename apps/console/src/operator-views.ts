// The read models that an operator's own write must have reached before it is answered.
import { ReadModels } from '@app/event-log';

/** Everything the console's lists are read from: the cascades view, and the trail and ledger behind the history. */
export abstract class OperatorViews extends ReadModels {}
