// Slack's client against an API that BASE_URL names, without a token. It prints what the test compares.
import { LogLevel, WebClient } from '@slack/web-api'

const client = new WebClient(undefined, { slackApiUrl: process.env.BASE_URL, rejectRateLimitedCalls: true, logLevel: LogLevel.ERROR })

const who = await client.auth.test()
console.log('user', who.user, who.response_metadata.scopes.join())

const sent = await client.chat.postMessage({ channel: 'C1', text: 'grüße & <b>' })
console.log('sent', sent.ts, sent.message.text)

const failed = await client.chat.postMessage({ channel: 'nowhere', text: 'x' }).catch((e) => e)
console.log('failed', failed.code, failed.data.error)

const channels = []
for await (const page of client.paginate('conversations.list', { limit: 1 })) channels.push(...page.channels.map((c) => c.id))
console.log('channels', channels.join())

const limited = await client.users.info({ user: 'U1' }).catch((e) => e)
console.log('limited', limited.code, limited.retryAfter)
