// An authorization server for TestOIDCProvider. Its person signs in and consents with one
// button each. What happens to grants is told on standard output, one JSON object a line.
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import Provider from 'oidc-provider';

const { CLIENT_ID, CLIENT_SECRET, REDIRECT_URI, ACCESS_TOKEN_SECONDS } = process.env;
const tell = (event, detail = {}) => process.stdout.write(`${JSON.stringify({ event, ...detail })}\n`);

const configure = () => ({
  clients: [{
    client_id: CLIENT_ID,
    client_secret: CLIENT_SECRET,
    redirect_uris: [REDIRECT_URI],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: 'client_secret_post',
  }],
  cookies: { keys: [randomBytes(32).toString('hex')] },
  features: { devInteractions: { enabled: false }, revocation: { enabled: true } },
  findAccount: (ctx, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  interactions: { url: (ctx, interaction) => `/interaction/${interaction.uid}` },
  pkce: { required: () => true },
  rotateRefreshToken: true,
  ttl: { AccessToken: Number(ACCESS_TOKEN_SECONDS), RefreshToken: 3600, Grant: 3600, Session: 3600, Interaction: 600 },
});

const consent = async (provider, { grantId, session, params, prompt }) => {
  const grant = (grantId && await provider.Grant.find(grantId))
    || new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
  if (prompt.details.missingOIDCScope) grant.addOIDCScope(prompt.details.missingOIDCScope.join(' '));
  if (prompt.details.missingOIDCClaims) grant.addOIDCClaims(prompt.details.missingOIDCClaims);
  return { consent: { grantId: await grant.save() } };
};

const interact = async (provider, req, res) => {
  const interaction = await provider.interactionDetails(req, res);
  if (req.method === 'GET') {
    res.setHeader('Content-Type', 'text/html');
    res.end(`<!doctype html><form method="post"><button>${interaction.prompt.name}</button></form>`);
    return;
  }
  const result = interaction.prompt.name === 'login'
    ? { login: { accountId: 'person' } }
    : await consent(provider, interaction);
  await provider.interactionFinished(req, res, result, { mergeWithLastSubmission: true });
};

const server = createServer();
server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, configure());
  provider.on('grant.success', (ctx) => tell('grant.success', { type: ctx.oidc.params.grant_type }));
  provider.on('grant.error', (ctx, err) => tell('grant.error', { detail: err.error_detail ?? err.message }));
  provider.on('grant.revoked', () => tell('grant.revoked'));
  provider.on('refresh_token.consumed', () => tell('refresh_token.consumed'));
  provider.on('server_error', (ctx, err) => tell('server_error', { detail: err.stack }));
  const answer = provider.callback();
  server.on('request', (req, res) => {
    if (!req.url.startsWith('/interaction/')) return answer(req, res);
    return interact(provider, req, res).catch((err) => {
      tell('server_error', { detail: err.stack });
      res.destroy();
    });
  });
  tell('listening', { issuer });
});
