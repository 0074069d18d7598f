import { indexConformance } from './conformance.ts';
import { IndexDatabase } from './index-database.ts';
import { freshFolder } from './fake.ts';

indexConformance('sqlite', () => {
  const folder = freshFolder();
  return Promise.resolve({
    open: (ledger, size) => new IndexDatabase(`${folder.path}/${ledger}.db`, ledger, size),
    [Symbol.asyncDispose]: () => {
      folder[Symbol.dispose]();
      return Promise.resolve();
    },
  });
});
