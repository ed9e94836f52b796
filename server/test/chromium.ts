/** Drives a real Chromium over the DevTools protocol: pages, clicks, screenshots, and a virtual authenticator. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';

type Reply = { readonly id?: number; readonly method?: string; readonly result?: unknown; readonly error?: object };
type Target = { readonly type: string; readonly webSocketDebuggerUrl: string };

const WAIT_MS = 20_000;

export class Chromium {
  /** What the page complained about: errors of scripts, refusals of its policy. */
  readonly complaints: string[] = [];
  readonly #folder: string;
  readonly #process: ChildProcess;
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, (reply: Reply) => void>();
  #last = 0;

  private constructor(folder: string, process: ChildProcess, socket: WebSocket) {
    this.#folder = folder;
    this.#process = process;
    this.#socket = socket;
    socket.addEventListener('message', ({ data }) => this.#take(JSON.parse(String(data)) as Reply));
  }

  static async start(): Promise<Chromium> {
    const folder = await mkdtemp(join(tmpdir(), 'pawl-chromium-'));
    const words = ['--headless=new', '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-dev-shm-usage'];
    const more = ['--disable-background-networking', '--remote-debugging-port=0', `--user-data-dir=${folder}`];
    const child = spawn('chromium', [...words, ...more, 'about:blank'], { stdio: ['ignore', 'ignore', 'pipe'] });
    const url = await new Promise<string>((resolve, reject) => {
      child.on('exit', (code) => reject(new Error(`chromium ended with ${code}`)));
      createInterface({ input: child.stderr }).on('line', (line) => {
        const found = /^DevTools listening on ws:\/\/([^/]+)/.exec(line)?.[1];
        if (found !== undefined) resolve(`http://${found}`);
      });
    });
    const targets = (await (await fetch(`${url}/json/list`)).json()) as Target[];
    const page = targets.find(({ type }) => type === 'page');
    if (page === undefined) throw new Error('chromium has no page');
    const socket = new WebSocket(page.webSocketDebuggerUrl);
    await once(socket, 'open');
    const chromium = new Chromium(folder, child, socket);
    for (const domain of ['Page', 'Runtime', 'Log', 'WebAuthn']) await chromium.send(`${domain}.enable`);
    return chromium;
  }

  #take(reply: Reply): void {
    if (reply.id !== undefined) this.#waiting.get(reply.id)?.(reply);
    if (reply.method === 'Runtime.exceptionThrown' || reply.method === 'Log.entryAdded') {
      this.complaints.push(JSON.stringify((reply as { params?: unknown }).params));
    }
  }

  send<T = Record<string, unknown>>(method: string, params: object = {}): Promise<T> {
    this.#last += 1;
    const id = this.#last;
    const answered = new Promise<T>((resolve, reject) => {
      this.#waiting.set(id, ({ result, error }) => {
        this.#waiting.delete(id);
        if (error === undefined) resolve(result as T);
        else reject(new Error(`${method}: ${JSON.stringify(error)}`));
      });
    });
    this.#socket.send(JSON.stringify({ id, method, params }));
    return answered;
  }

  /** The value of an expression in the page. */
  async evaluate<T>(expression: string): Promise<T> {
    const { result } = await this.send<{ result: { value: T } }>('Runtime.evaluate', {
      expression,
      returnByValue: true,
      awaitPromise: true,
      userGesture: true,
    });
    return result.value;
  }

  /** Waits until an expression is true in the page. */
  async until(expression: string): Promise<void> {
    const deadline = performance.now() + WAIT_MS;
    while ((await this.evaluate(expression)) !== true) {
      if (performance.now() > deadline) {
        const text = await this.evaluate<string>('document.body.innerText');
        throw new Error(`never true: ${expression}\n${text}\n${this.complaints.join('\n')}`);
      }
      await delay(25);
    }
  }

  async goTo(url: string): Promise<void> {
    await this.send('Page.navigate', { url });
  }

  /** Waits for text that a person can see. */
  async see(text: string): Promise<void> {
    await this.until(`document.body?.innerText.includes(${JSON.stringify(text)}) === true`);
  }

  /** Clicks what a person would: the visible button or link of this name. */
  async press(name: string): Promise<void> {
    const visible = `[...document.querySelectorAll('button, a')].find((each) =>
      (each.getAttribute('aria-label') ?? each.textContent.trim()) === ${JSON.stringify(name)} && each.offsetParent !== null && !each.disabled)`;
    await this.until(`${visible} !== undefined`);
    await this.evaluate(`${visible}.click()`);
  }

  async fill(label: string, value: string): Promise<void> {
    await this.evaluate(`(() => {
      const label = [...document.querySelectorAll('label')].find((each) => each.textContent.trim() === ${JSON.stringify(label)});
      label.control.value = ${JSON.stringify(value)};
    })()`);
  }

  /** An authenticator with a person behind it who always says yes; returns its id. */
  async addAuthenticator(): Promise<string> {
    const options = {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    };
    const { authenticatorId } = await this.send<{ authenticatorId: string }>('WebAuthn.addVirtualAuthenticator', {
      options,
    });
    return authenticatorId;
  }

  async screenshot(): Promise<Buffer> {
    const { data } = await this.send<{ data: string }>('Page.captureScreenshot', { format: 'png' });
    return Buffer.from(data, 'base64');
  }

  async close(): Promise<void> {
    this.#socket.close();
    if (this.#process.exitCode === null) {
      this.#process.kill('SIGKILL');
      await once(this.#process, 'exit');
    }
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }
}
