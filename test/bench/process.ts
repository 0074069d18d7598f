import { readdirSync, readFileSync } from 'node:fs';

/** Microseconds of CPU that a process has used so far, all its threads together. */
export function cpuOf(pid: number): number {
  const { own } = statOf(pid);
  return own;
}

/** The same with all its children, those that ended (and were waited for) and those that run. */
export function cpuOfFamily(pid: number): number {
  let sum = 0;
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const { own, parent } = statOf(Number(name));
      if (parent === pid) sum += own;
    } catch {
      // It ended meanwhile.
    }
  }
  const { own, ended } = statOf(pid);
  return sum + own + ended;
}

/** Microseconds of CPU of children of this process that have ended. */
export function cpuOfEnded(): number {
  return statOf(process.pid).ended;
}

/** Microseconds of CPU of the main thread alone. */
export function cpuOfMainThread(pid: number): number {
  return fieldsOf(`/proc/${pid}/task/${pid}/stat`).own;
}

/** Resident memory in bytes. */
export function residentBytes(pid: number): number {
  const line = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(line?.[1]) * 1_024;
}

/** Microseconds that all cores together were busy, or taken away from this machine, since its start. */
export function busyOfMachine(): number {
  const [line = ''] = readFileSync('/proc/stat', 'utf8').split('\n');
  // proc(5): user nice system idle iowait irq softirq steal, in ticks
  const [user = 0, nice = 0, system = 0, , , irq = 0, soft = 0, steal = 0] = line
    .trim()
    .split(/\s+/)
    .slice(1)
    .map(Number);
  return (user + nice + system + irq + soft + steal) * tickUs;
}

const tickUs = 10_000; // USER_HZ is 100 on every Linux that Node runs on

interface Cpu {
  readonly own: number;
  readonly ended: number;
  readonly parent: number;
}

function statOf(pid: number): Cpu {
  return fieldsOf(`/proc/${pid}/stat`);
}

function fieldsOf(path: string): Cpu {
  const text = readFileSync(path, 'utf8');
  // The name in brackets may hold anything; what follows begins with field 3 of proc(5).
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const ticks = (field: number): number => Number(fields[field - 3]) * tickUs;
  return { own: ticks(14) + ticks(15), ended: ticks(16) + ticks(17), parent: Number(fields[1]) };
}
