/** Text or a number, as the store writes it. */
export type Value = { S: string } | { N: string }
export type Item = Record<string, Value>
/** An item as it comes back. */
export type Found = Record<string, { S?: string | undefined, N?: string | undefined }>

interface Condition {
  ConditionExpression?: string
  ExpressionAttributeValues?: Item
}

interface Update extends Condition {
  TableName: string
  Key: Item
  UpdateExpression: string
  ReturnValues?: 'ALL_NEW'
}

interface Query {
  TableName: string
  ConsistentRead: true
  KeyConditionExpression: string
  FilterExpression: string
  ExpressionAttributeValues: Item
  ProjectionExpression: string
  Limit: number
  ExclusiveStartKey?: Item
}

/** The members of a `DynamoDB` of `@aws-sdk/client-dynamodb` that the store uses. */
export interface DynamodbClient {
  getItem (input: { TableName: string, Key: Item, ConsistentRead: true }): Promise<{ Item?: Found | undefined }>
  putItem (input: Condition & { TableName: string, Item: Item }): Promise<unknown>
  updateItem (input: Update): Promise<{ Attributes?: Found | undefined }>
  deleteItem (input: { TableName: string, Key: Item, ReturnValues?: 'ALL_OLD' }): Promise<{ Attributes?: Found | undefined }>
  query (input: Query): Promise<{ Items?: Found[] | undefined, LastEvaluatedKey?: Found | undefined }>
}

interface Keys { KeySchema: Array<{ AttributeName: string, KeyType: 'HASH' | 'RANGE' }> }

/** Those that `createTable` uses. */
export interface TableMaker {
  createTable (input: Keys & {
    TableName: string
    AttributeDefinitions: Array<{ AttributeName: string, AttributeType: 'S' }>
    BillingMode: 'PAY_PER_REQUEST'
  }): Promise<unknown>
  describeTable (input: { TableName: string }): Promise<{
    Table?: { TableStatus?: string | undefined, KeySchema?: Array<{ AttributeName: string | undefined, KeyType: string | undefined }> | undefined } | undefined
  }>
  describeTimeToLive (input: { TableName: string }): Promise<{ TimeToLiveDescription?: { TimeToLiveStatus?: string | undefined } | undefined }>
  updateTimeToLive (input: { TableName: string, TimeToLiveSpecification: { Enabled: true, AttributeName: string } }): Promise<unknown>
}
