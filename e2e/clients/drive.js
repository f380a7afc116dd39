// Google Drive's client against an API that BASE_URL names, without a token. It prints what the test compares.
import { drive } from '@googleapis/drive'

const client = drive({ version: 'v3', retry: false })
const to = { rootUrl: process.env.BASE_URL }

const content = 'guten Tag '.repeat(100)
const made = await client.files.create({ requestBody: { name: 'a.txt' }, media: { mimeType: 'text/plain', body: content } }, to)
console.log('uploaded', made.data.size, made.data.description.includes('gl-node'))

const names = []
let pageToken
do {
  const page = await client.files.list({ fields: 'nextPageToken, files(name)', pageToken }, to)
  names.push(...page.data.files.map((f) => f.name))
  pageToken = page.data.nextPageToken
} while (pageToken)
console.log('files', names.join())

const file = await client.files.get({ fileId: 'one', alt: 'media' }, { ...to, responseType: 'text' })
console.log('downloaded', file.data)

const missing = await client.files.get({ fileId: 'missing' }, to).catch((e) => e)
console.log('missing', missing.status, missing.errors[0].reason)
