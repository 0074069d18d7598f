// Commits on a disk that fails once: SALLYPORT_TEST_FAIL is `<operation>:<number of the call>`.
import { workerData } from 'node:worker_threads';
import { commitLoop, type CommitParts } from '../commit.ts';
import { type Files, realFiles } from '../files.ts';

const [operation = '', number = '0'] = (process.env['SALLYPORT_TEST_FAIL'] ?? '').split(':');
let calls = 0;

function failing<A extends readonly unknown[], R>(name: keyof Files, call: (...args: A) => R): (...args: A) => R {
  const last = name === 'write' ? Number(number) : 2;
  return (...args) => {
    if (name === operation) {
      calls += 1;
      if (calls === last) throw Object.assign(new Error('EIO: i/o error'), { code: 'EIO' });
    }
    return call(...args);
  };
}

commitLoop(
  {
    ...realFiles,
    write: failing('write', realFiles.write),
    create: failing('create', realFiles.create),
    rename: failing('rename', realFiles.rename),
    openDurable: failing('openDurable', realFiles.openDurable),
  },
  workerData as CommitParts,
);
