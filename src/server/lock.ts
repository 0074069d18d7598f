import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Fault } from '../base/errors.ts';

/** Takes a home for this process alone: two gateways must never write one ledger. Rejects with a Fault `config` that says who has it. */
export function lockHome(home: string): Disposable {
  mkdirSync(home, { recursive: true });
  const file = join(home, 'lock');
  const mine = `${process.pid} ${startOf(process.pid)}\n`;
  if (!take(file, mine)) {
    const held = read(file);
    const pid = Number(held.split(' ')[0]);
    if (isAlive(pid) && `${pid} ${startOf(pid)}\n` === held) {
      throw new Fault(
        'config',
        `Another gateway (pid ${pid}) uses ${home}: stop it, or set SALLYPORT_HOME to another folder`,
      );
    }
    rmSync(file, { force: true }); // its holder was killed
    if (!take(file, mine)) throw new Fault('config', `Another gateway just took ${home}`);
  }
  return {
    [Symbol.dispose]: () => {
      if (read(file) === mine) rmSync(file, { force: true });
    },
  };
}

function take(file: string, text: string): boolean {
  try {
    writeFileSync(file, text, { flag: 'wx', mode: 0o600 });
    return true;
  } catch (thrown) {
    if (thrown instanceof Error && 'code' in thrown && thrown.code === 'EEXIST') return false;
    throw new Fault('config', `Cannot write to ${file}`, { cause: thrown });
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (thrown) {
    return thrown instanceof Error && 'code' in thrown && thrown.code === 'EPERM';
  }
}

/** When a process started, so that a process id given anew is not taken for the old holder; `-` where it cannot be told. */
function startOf(pid: number): string {
  // proc(5): field 22 of stat, in clock ticks since boot; the second field can hold spaces and ends in the last `)`.
  const stat = read(`/proc/${pid}/stat`);
  return (
    stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .at(19) ?? '-'
  );
}
