// Octokit against an API that BASE_URL names, without a token. It prints what the test compares.
import { Octokit } from '@octokit/rest'

const { BASE_URL, API_URL } = process.env
const quiet = { debug() {}, info() {}, warn() {}, error() {} }
const octokit = new Octokit({ baseUrl: BASE_URL, log: quiet })
// Links to further pages name the API itself. They have to go the same way.
octokit.hook.before('request', (options) => {
  if (options.url.startsWith(API_URL)) options.url = BASE_URL + options.url.slice(API_URL.length)
})

const user = await octokit.rest.users.getAuthenticated()
console.log('user', user.data.login, user.headers['x-ratelimit-remaining'])

const unchanged = await octokit.request('GET /user', { headers: { 'if-none-match': user.headers.etag } }).catch((e) => e)
console.log('unchanged', unchanged.status)

const issues = await octokit.paginate(octokit.rest.issues.listForRepo, { owner: 'o', repo: 'r' })
console.log('issues', issues.map((issue) => issue.number).join())

const created = await octokit.rest.issues.create({ owner: 'o', repo: 'r', title: 'grüße' })
console.log('created', created.status, created.data.title)

const asset = await octokit.rest.repos.uploadReleaseAsset({
  baseUrl: BASE_URL + '/uploads',
  owner: 'o',
  repo: 'r',
  release_id: 1,
  name: 'a.bin',
  data: Buffer.alloc(100000),
  headers: { 'content-type': 'application/x-own' },
})
console.log('asset', asset.data.size, asset.data.content_type)

const limited = await octokit.rest.repos.get({ owner: 'o', repo: 'limited' }).catch((e) => e)
console.log('limited', limited.status, limited.response.headers['x-ratelimit-remaining'])

const missing = await octokit.rest.issues.get({ owner: 'o', repo: 'r', issue_number: 404 }).catch((e) => e)
console.log('missing', missing.status, missing.response.data.message)
