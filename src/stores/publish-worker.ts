import { parentPort, workerData } from 'node:worker_threads';
import { realFiles } from './files.ts';
import { servePublisher } from './publish-serve.ts';
import type { PublishParts } from './publish.ts';

servePublisher(realFiles, workerData as PublishParts, parentPort);
