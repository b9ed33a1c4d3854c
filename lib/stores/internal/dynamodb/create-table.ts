import { InvalidOption } from '../../../errors.js'
import { errorField } from '../sql/retry.js'
import type { TableMaker } from './client.js'

/** Milliseconds. AWS takes some ten seconds. */
const PAUSE = 200
const MOST = 120_000

/** By the global timer, which a clock that is set moves as well. */
const sleep = (milliseconds: number) => new Promise<void>((resolve) => { setTimeout(resolve, milliseconds) })

const keys = [{ AttributeName: 'pk', KeyType: 'HASH' as const }, { AttributeName: 'sk', KeyType: 'RANGE' as const }]

/** Resolves when the table is there and can be used. It may have been there before. */
export async function makeTable (client: TableMaker, table: string): Promise<void> {
  try {
    await client.createTable({
      TableName: table,
      KeySchema: keys,
      AttributeDefinitions: keys.map(({ AttributeName }) => ({ AttributeName, AttributeType: 'S' })),
      BillingMode: 'PAY_PER_REQUEST'
    })
  } catch (error) {
    if (errorField(error, 'name') !== 'ResourceInUseException') throw error
  }
  for (let waited = 0; waited < MOST; waited += PAUSE) {
    const { Table } = await client.describeTable({ TableName: table })
    const found = Table?.KeySchema?.map(({ AttributeName, KeyType }) => `${AttributeName} ${KeyType}`).join()
    if (found !== 'pk HASH,sk RANGE') throw new InvalidOption('table', `${table} is there with other keys: sessions need the texts pk (HASH) and sk (RANGE)`)
    if (Table?.TableStatus === 'ACTIVE') return
    await sleep(PAUSE)
  }
  throw new Error(`DynamoDB has not made the table ${table} within two minutes`)
}

/** Has DynamoDB remove what is over. Asked for again where it is so already, it would be an error. */
export async function enableTimeToLive (client: TableMaker, table: string, attribute: string): Promise<void> {
  const { TimeToLiveDescription } = await client.describeTimeToLive({ TableName: table })
  if (/^ENABL/.test(String(TimeToLiveDescription?.TimeToLiveStatus))) return
  await client.updateTimeToLive({ TableName: table, TimeToLiveSpecification: { Enabled: true, AttributeName: attribute } })
}
