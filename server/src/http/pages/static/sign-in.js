/**
 * The sign-in page: makes a passkey for whoever came with a one-time link, signs in with one, and shows what the person
 * who is signed in has. Talks to the management API alone; writes text, never markup. The claim stands in the fragment,
 * which browsers send nobody, and is taken out of the address bar at once.
 */
const find = (id) => document.getElementById(id);

class Refusal extends Error {
  constructor({ title, advice }) {
    super(`${title.slice(0, 1).toUpperCase()}${title.slice(1)}. ${advice}`);
  }
}

async function call(method, path, body) {
  const json = body === undefined ? {} : { body: JSON.stringify(body) };
  const headers = { 'x-pawl-page': '1', ...(body === undefined ? {} : { 'content-type': 'application/json' }) };
  const answer = await fetch(`/api/v1${path}`, { method, headers, ...json, cache: 'no-store' });
  if (!answer.ok) throw new Refusal(await answer.json());
  return answer.json();
}

const toBytes = (text) =>
  Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (char) => char.codePointAt(0));
const toText = (bytes) =>
  btoa(String.fromCodePoint(...new Uint8Array(bytes)))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');

const envelope = ({ id, rawId, type }, response) => ({
  id,
  rawId: toText(rawId),
  type,
  clientExtensionResults: {},
  response,
});

async function makePasskey(options) {
  const publicKey = {
    ...options,
    challenge: toBytes(options.challenge),
    user: { ...options.user, id: toBytes(options.user.id) },
    excludeCredentials: options.excludeCredentials.map((each) => ({ ...each, id: toBytes(each.id) })),
  };
  const credential = await navigator.credentials.create({ publicKey });
  const { clientDataJSON, attestationObject } = credential.response;
  return envelope(credential, {
    clientDataJSON: toText(clientDataJSON),
    attestationObject: toText(attestationObject),
    transports: credential.response.getTransports?.() ?? [],
  });
}

async function askPasskey(options) {
  const publicKey = { ...options, challenge: toBytes(options.challenge) };
  const credential = await navigator.credentials.get({ publicKey });
  const { clientDataJSON, authenticatorData, signature, userHandle } = credential.response;
  return envelope(credential, {
    clientDataJSON: toText(clientDataJSON),
    authenticatorData: toText(authenticatorData),
    signature: toText(signature),
    userHandle: userHandle === null || userHandle.byteLength === 0 ? null : toText(userHandle),
  });
}

function say(text, isBad = false) {
  find('status').textContent = text;
  find('status').classList.toggle('bad', isBad);
}

/** Does one thing at a time, and says what came of it. */
async function attempt(button, act, done = '') {
  const buttons = [...document.querySelectorAll('button')];
  for (const each of buttons) each.disabled = true;
  say('One moment …');
  try {
    await act();
    say(done);
  } catch (error) {
    const isCancelled = error instanceof DOMException && error.name === 'NotAllowedError';
    say(isCancelled ? 'Nothing was done: the passkey was not given.' : error.message, true);
  } finally {
    for (const each of buttons) each.disabled = false;
    if (button?.isConnected) button.focus();
  }
}

function show(id, title) {
  for (const section of document.querySelectorAll('section')) section.hidden = section.id !== id;
  const heading = find(`${id}-title`);
  if (title !== undefined) heading.textContent = title;
  document.title = `${heading.textContent} · Pawl`;
  heading.focus();
}

/** Where this is, in words that a list of passkeys can be told apart by. */
function here() {
  const system = ['Windows', 'Android', 'iPhone', 'iPad', 'Mac', 'Linux'].find((name) =>
    navigator.userAgent.includes(name),
  );
  return system ?? 'this device';
}

const at = (time) => (time === null ? 'never used' : `used ${new Date(time).toLocaleString()}`);

function listItem(text, detail, buttonText, act) {
  const item = document.createElement('li');
  const words = document.createElement('span');
  const small = document.createElement('small');
  words.textContent = text;
  small.textContent = detail;
  words.append(small);
  item.append(words);
  if (buttonText === undefined) return item;
  const button = document.createElement('button');
  button.type = 'button';
  button.className = 'quiet';
  button.textContent = buttonText;
  button.setAttribute('aria-label', `${buttonText}: ${text}`);
  button.addEventListener('click', () => void attempt(button, act));
  item.append(button);
  return item;
}

async function fillLists() {
  const [passkeys, sessions] = await Promise.all([call('GET', '/me/passkeys'), call('GET', '/me/sessions')]);
  const removal = (path) => async () => {
    await call('DELETE', path);
    await fillLists();
  };
  find('passkeys').replaceChildren(
    ...passkeys.items.map(({ id, label, lastUsedAt }) =>
      listItem(label, at(lastUsedAt), 'Remove', removal(`/me/passkeys/${id}`)),
    ),
  );
  find('sessions').replaceChildren(
    ...sessions.items.map(({ id, source, isCurrent, lastUsedAt }) =>
      isCurrent ? listItem(source, 'this one') : listItem(source, at(lastUsedAt), 'End', removal(`/me/sessions/${id}`)),
    ),
  );
}

async function showMe() {
  const me = await call('GET', '/me');
  if (me.person === null) return false;
  const { name, roles } = me.person;
  const may = roles.length === 0 ? 'You have no role yet; an admin gives you one.' : `Your roles: ${roles.join(', ')}`;
  find('me-roles').textContent = may;
  find('passkey-label').value = here();
  await fillLists();
  show('me', name);
  return true;
}

async function showJoin(claim) {
  const { name } = await call('POST', '/join/look', { claim });
  find('join-command').textContent = `pawl login '${location.origin}/#claim=${claim}'`;
  find('join-label').value = here();
  if (name !== null) {
    find('join-name').remove();
    find('join-text').textContent = 'You were invited. Make a passkey; there is no password.';
  }
  show('join', name === null ? 'Welcome' : `Welcome, ${name}`);
  find('join-form').addEventListener('submit', (event) => {
    event.preventDefault();
    const fields = Object.fromEntries(new FormData(event.target));
    const claimed = { claim, ...(fields.name === undefined ? {} : { name: fields.name }) };
    void attempt(
      event.submitter,
      async () => {
        const credential = await makePasskey(await call('POST', '/join/begin', claimed));
        await call('POST', '/join', { ...claimed, label: fields.label, credential });
        await showMe();
      },
      'You are signed in.',
    );
  });
}

find('with-passkey').addEventListener(
  'click',
  ({ target }) =>
    void attempt(
      target,
      async () => {
        const assertion = await askPasskey(await call('POST', '/sign-in/begin', {}));
        await call('POST', '/sign-in', { assertion });
        await showMe();
      },
      'You are signed in.',
    ),
);

find('passkey-form').addEventListener('submit', (event) => {
  event.preventDefault();
  const { label } = Object.fromEntries(new FormData(event.target));
  void attempt(
    event.submitter,
    async () => {
      const credential = await makePasskey(await call('POST', '/me/new-passkey', {}));
      await call('POST', '/me/passkeys', { label, credential });
      await fillLists();
    },
    'The passkey is added.',
  );
});

find('sign-out').addEventListener(
  'click',
  ({ target }) =>
    void attempt(
      target,
      async () => {
        await call('POST', '/sign-out', {});
        show('sign-in');
      },
      'You are signed out.',
    ),
);

async function start() {
  const site = await call('GET', '/sign-in');
  // Passkeys belong to a name: under another one this page could not use them.
  if (site.origin !== null && site.origin !== location.origin) {
    location.replace(`${site.origin}/${location.hash}`);
    return;
  }
  const fragment = new URLSearchParams(location.hash.slice(1));
  history.replaceState(null, '', '/');
  const claim = fragment.get('claim');
  if (site.oidc !== null) {
    find('with-oidc').textContent = `With ${site.oidc}`;
    find('with-oidc').hidden = false;
  }
  find('with-passkey').hidden = site.origin === null;
  if (claim !== null) {
    show('sign-in');
    return showJoin(claim);
  }
  if (site.isSignedIn && (await showMe())) return;
  show('sign-in');
  if (site.origin === null) say('This server does not know its own name: start it with --public-url.', true);
  const failed = fragment.get('refused');
  if (failed !== null) say('The sign-in was refused. Begin again, or ask an admin.', true);
}

await attempt(undefined, start);
