type Example = { readonly name: string; readonly query: string; readonly variables: string }

/** The GraphQL questions of docs/forensics.md, and the ones that people ask first. */
export const EXAMPLES: readonly Example[] = [
  {
    name: 'The newest findings',
    query: `query Newest {
  findings(orderBy: "createdAtMs", orderDirection: "desc", limit: 20) {
    items { id botId severity name status blockNumber txHash }
  }
}`,
    variables: '{}',
  },
  {
    name: 'Everything around the transaction of a finding',
    query: `query AroundFinding($id: String!) {
  finding(id: $id) {
    name severity status blockNumber txHash
    transaction {
      fromAddress toAddress selector value timestamp
      events(limit: 200, orderBy: "id") { items { thing name args topics logIndex } }
      transfers { items { address fromAddress toAddress value } }
      roleChanges { items { change role account } }
      findings { items { botId alertId severity } }
    }
    alerts { items { alert { id title incident { id title } } } }
    executions { items { actionId status minedTxHash } }
  }
}`,
    variables: '{ "id": "" }',
  },
  {
    name: 'Which implementations did a proxy have?',
    query: `query Implementations($proxy: String!) {
  upgrades(where: { address: $proxy }, orderBy: "id", limit: 100) {
    totalCount
    items {
      implementation kind blockNumber timestamp
      contract { name }
      transaction { hash fromAddress toAddress }
    }
    pageInfo { hasNextPage endCursor }
  }
}`,
    variables: '{ "proxy": "0x" }',
  },
  {
    name: 'Transfers out of an address',
    query: `query Out($from: String!) {
  transfers(where: { fromAddress: $from }, orderBy: "timestamp", orderDirection: "desc", limit: 50) {
    items { txHash address toAddress value timestamp }
  }
}`,
    variables: '{ "from": "0x" }',
  },
  {
    name: 'Open incidents and their alerts',
    query: `query Open {
  incidents(where: { status: "open" }, limit: 20) {
    items { id title severity subject openedAtMs alerts { items { title severity status findingCount } } }
  }
}`,
    variables: '{}',
  },
]
