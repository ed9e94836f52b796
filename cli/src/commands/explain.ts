/** `pawl explain`: an envelope in words. It verifies nothing and says so. */
import { explainEnvelope } from '@pawl/core/suit';
import { defineCommand } from '../frame/command.ts';
import { inFolder, readInput } from '../workspace/files.ts';

const OFFSET_CHARS = 7;

export const explain = defineCommand({
  summary: 'show what is in a SUIT envelope, byte offsets beside names; nothing is verified',
  about: [
    'For people who look into an envelope. What it says is not believed by saying it: use "pawl verify" for that.',
  ],
  positionals: [{ name: 'FILE', summary: 'the envelope' }],
  example: 'pawl explain releases/kettle/1.2.0/envelope.suit',
  async run({ positionals: [path = ''], io }) {
    const lines = explainEnvelope(await readInput(inFolder(io.cwd, path)));
    return {
      json: { isVerified: false, lines },
      text: [
        'not verified:',
        ...lines.map(
          ({ offset, depth, text }) => `${String(offset).padStart(OFFSET_CHARS)}  ${'  '.repeat(depth)}${text}`,
        ),
      ],
    };
  },
});
