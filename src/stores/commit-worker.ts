import { workerData } from 'node:worker_threads';
import { commitLoop, type CommitParts } from './commit.ts';
import { realFiles } from './files.ts';

commitLoop(realFiles, workerData as CommitParts);
