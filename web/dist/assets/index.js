const __vite__mapDeps=(i,m=__vite__mapDeps,d=(m.f||(m.f=["./RunPage.js","./rolldown-runtime.js","./vendor.js","./Dialog.js","./Dialog.css","./visible.js","./visible.css","./RunPage.css","./ComparePage.js","./ComparePage.css","./ModelsPage.js","./ModelsPage.css","./ModelPage.js"])))=>i.map(i=>d[i]);
import{n as e}from"./rolldown-runtime.js";import{_ as t,a as n,b as r,c as i,d as a,f as o,g as s,h as c,i as l,l as u,m as d,n as f,o as p,p as m,r as h,s as g,t as _,u as v,v as y,x as b,y as x}from"./vendor.js";var S=i(),C=e(b(),1);function w(e){let t=e,n=new Set;return{get:()=>t,set(e){if(!Object.is(e,t)){t=e;for(let e of n)e()}},subscribe(e){return n.add(e),()=>n.delete(e)}}}function T(e){return(0,C.useSyncExternalStore)(e.subscribe,e.get)}var E=`cairn.token`;function D(){try{return sessionStorage.getItem(E)??``}catch{return``}}var O=w(D());O.subscribe(()=>{try{sessionStorage.setItem(E,O.get())}catch{}});var k=w(``);function A(){return O.get()?{Authorization:`Bearer ${O.get()}`}:{}}var j=e=>new URL(e.replace(/^\/+/,``),document.baseURI).href,M=new l({url:j(`graphql`),exchanges:[n,p],preferGetMethod:!1,fetch:(e,t)=>fetch(e,{...t,signal:null}),fetchOptions:()=>({headers:A()})}),N=class extends Error{code;field;constructor(e,t=``,n=``){super(e),this.code=t,this.field=n}};function P(e){if(e instanceof N)return e;if(e instanceof g){let t=e.graphQLErrors[0];if(t){let e=new N(t.message,String(t.extensions.code??``),String(t.extensions.field??``));return e.code===`UNAUTHENTICATED`&&k.set(e.message),e}return new N(`The server cannot be reached.`,`UNREACHABLE`)}return new N(e instanceof Error?e.message:String(e))}async function F(e,t){let{data:n,error:r}=await M.query(e.toString(),t,{requestPolicy:`network-only`}).toPromise();if(r)throw P(r);return n}async function I(e,t){let{data:n,error:r}=await M.mutation(e.toString(),t).toPromise();if(r)throw P(r);return n}async function ee(e,t){let n=await fetch(j(e),{headers:A(),signal:t??null});if(n.ok)return n;let r=`status ${n.status}`;try{let e=await n.json();r=e.detail??e.message??r}catch{}throw new N(r)}var L=w(`idle`),te=f({url:j(`graphql`).replace(/^http/,`ws`),connectionParams:()=>O.get()?{authorization:`Bearer ${O.get()}`}:{},retryAttempts:1/0,retryWait:e=>new Promise(t=>{setTimeout(t,Math.min(5e3,250*2**e)*(.5+Math.random()/2))}),shouldRetry:()=>!0,keepAlive:15e3,lazyCloseTimeout:2e3,on:{connecting:()=>L.set(L.get()===`broken`?`broken`:`connecting`),connected:()=>L.set(`live`),closed:e=>{L.set(e.wasClean&&e.code===1e3?`idle`:`broken`)}}});O.subscribe(()=>te.terminate());function ne(e,t,n,r=()=>{},i=()=>{}){let a={query:e.toString(),variables:{...t}};return te.subscribe(a,{next(e){let t=e.errors?.[0];if(t)r(new N(t.message,String(t.extensions?.code??``),String(t.extensions?.field??``)));else if(e.data){let t=n(e.data);t!==void 0&&(a.variables.after=t)}},error(e){if(Array.isArray(e)){let t=e[0];r(new N(t?.message??`refused`,String(t?.extensions?.code??``),String(t?.extensions?.field??``)))}else e instanceof Error&&r(new N(e.message))},complete:i})}function re(e){let t={};for(let[n,r]of new URLSearchParams(e))(t[n]??=[]).push(r);return Object.fromEntries(Object.entries(t).map(([e,t])=>[e,t.length===1?t[0]:t]))}function ie(e){let t=new URLSearchParams;for(let[n,r]of Object.entries(e))for(let e of Array.isArray(r)?r:[r])e!=null&&e!==``&&t.append(n,String(e));let n=t.toString();return n?`?${n}`:``}function R(e){let t=Array.isArray(e)?e[0]:e;return typeof t==`string`&&t!==``?t:void 0}function ae(e){let t=(Array.isArray(e)?e:[e]).filter(e=>typeof e==`string`&&e!==``);return t.length>0?t:void 0}function oe(e){return{run:ae(e.run),tab:R(e.tab),all:R(e.all),dim:ae(e.dim),by:R(e.by),axis:R(e.axis),log:R(e.log),smooth:R(e.smooth),x:R(e.x)}}var z=class extends String{__apiType;value;__meta__;constructor(e,t){super(e),this.value=e,this.__meta__=t}toString(){return this.value}};new z(`
    fragment RunRow on Run {
  runId
  name
  status
  statusReason
  lifecycleStage
  startTime
  endTime
  userId
  createdBy
  experiment {
    experimentId
    name
    metricGoals {
      key
      goal
    }
  }
  params(keys: $params) {
    key
    value
  }
  tags(keys: $tags) {
    key
    value
  }
  metrics(keys: $metrics) {
    key
    nanCount
    last {
      value
    }
    min {
      value
    }
    max {
      value
    }
  }
}
    `,{fragmentName:`RunRow`});var se=new z(`
    query MetricSeries($runs: [ID!]!, $keys: [String!], $axis: MetricAxis!, $range: MetricRange, $maxPoints: Int!) {
  metricSeries(
    runs: $runs
    keys: $keys
    axis: $axis
    range: $range
    maxPoints: $maxPoints
  ) {
    cursor
    series {
      runId
      key
      exact
      incomplete
      totalPoints
      stepScale
      steps
      times
      min
      max
      last
    }
  }
}
    `),ce=new z(`
    subscription MetricsAppended($runs: [ID!]!, $keys: [String!], $after: String) {
  metricsAppended(runs: $runs, keys: $keys, after: $after, maxRate: 20) {
    cursor
    series {
      runId
      key
      stepScale
      steps
      times
      values
    }
  }
}
    `),le=new z(`
    query CompareRuns($runs: [ID!]!) {
  compareRuns(runs: $runs) {
    runs {
      runId
      name
      status
      startTime
      endTime
      experiment {
        name
      }
      inputs {
        context
        dataset {
          name
          digest
        }
      }
      fingerprint {
        codeHash
        dataHash
        dependenciesHash
        seedsHash
        commandHash
        hardwareHash
      }
    }
    params {
      key
      values
      differs
    }
    metrics {
      key
      last
      differs
    }
  }
}
    `),ue=new z(`
    query Experiments($filter: String, $orderBy: ExperimentOrder, $view: View, $after: String) {
  experiments(
    filter: $filter
    orderBy: $orderBy
    view: $view
    first: 100
    after: $after
  ) {
    totalCount
    pageInfo {
      hasNextPage
      endCursor
    }
    edges {
      node {
        experimentId
        name
        lifecycleStage
        createdAt
        createdBy
        tags {
          key
          value
        }
        all: runs(first: 1) {
          totalCount
          edges {
            node {
              startTime
            }
          }
        }
        running: runs(filter: "status = 'RUNNING'", first: 1) {
          totalCount
        }
        failed: runs(filter: "status IN ('FAILED', 'KILLED')", first: 1) {
          totalCount
        }
      }
    }
  }
}
    `),de=new z(`
    subscription SomeRunChanged($after: String) {
  runsChanged(after: $after, maxRate: 1) {
    cursor
    changes {
      kind
    }
  }
}
    `),fe=new z(`
    query Model($name: String!) {
  registeredModel(name: $name) {
    name
    description
    createdAt
    createdBy
    tags {
      key
      value
    }
    aliases {
      alias
      version
    }
    rules {
      stage
      kind
      text
    }
    versions(first: 100) {
      totalCount
      edges {
        node {
          version
          stage
          aliases
          status
          statusMessage
          description
          source
          runId
          createdAt
          createdBy
          run {
            runId
            name
          }
          signature {
            inputs {
              name
              type
              required
            }
            outputs {
              name
              type
              required
            }
            params {
              name
              type
              default
            }
          }
          approvals {
            stage
            principal
          }
        }
      }
    }
    history(first: 100) {
      pageInfo {
        hasNextPage
      }
      edges {
        node {
          sequence
          action
          modelName
          version
          fromStage
          toStage
          detail
          reason
          principal
          time
        }
      }
    }
  }
  viewer {
    role
  }
}
    `),pe=new z(`
    query StageAt($name: String!, $stage: String!, $time: Time!) {
  modelStageAt(name: $name, stage: $stage, time: $time) {
    version
    reason
    principal
    time
  }
}
    `),me=new z(`
    query Models($filter: String, $after: String) {
  registeredModels(
    filter: $filter
    orderBy: ["last_updated_timestamp DESC"]
    first: 100
    after: $after
  ) {
    totalCount
    pageInfo {
      hasNextPage
      endCursor
    }
    edges {
      node {
        name
        description
        updatedAt
        aliases {
          alias
          version
        }
        latestVersions(stages: ["Production", "Staging"]) {
          version
          stage
        }
        versions(first: 1) {
          totalCount
        }
      }
    }
  }
}
    `),he=new z(`
    subscription SomeVersionChanged($names: [String!], $after: String) {
  modelVersionsChanged(names: $names, after: $after, maxRate: 2) {
    cursor
    changes {
      kind
    }
  }
}
    `),ge=new z(`
    mutation Register($input: CreateModelVersionInput!) {
  createModelVersion(input: $input) {
    name
    version
  }
}
    `),_e=new z(`
    mutation Transition($input: TransitionModelVersionStageInput!) {
  transitionModelVersionStage(input: $input) {
    version
    stage
  }
}
    `),ve=new z(`
    mutation Rollback($name: String!, $stage: String!, $reason: String!, $dryRun: Boolean!) {
  rollbackModelStage(name: $name, stage: $stage, reason: $reason, dryRun: $dryRun) {
    version
    stage
  }
}
    `),ye=new z(`
    query CompareVersions($from: ModelVersionRef!, $to: ModelVersionRef!) {
  compareModelVersions(from: $from, to: $to) {
    verdict
    complete
    parts
    schema {
      part
      name
      from
      to
      breaks
      why
    }
    params {
      key
      from
      to
    }
    metrics {
      key
      from
      to
    }
    data {
      name
      context
      fromDigest
      toDigest
    }
    dependencies {
      key
      from
      to
    }
  }
}
    `),be=new z(`
    query Artifacts($id: ID!, $path: String!, $after: String) {
  run(id: $id) {
    artifacts(path: $path, first: 1000, after: $after) {
      pageInfo {
        hasNextPage
        endCursor
      }
      edges {
        node {
          path
          isDir
          size
          downloadUrl
        }
      }
    }
  }
}
    `),xe=new z(`
    query ModelArtifacts($id: ID!, $path: String!, $after: String) {
  loggedModel(id: $id) {
    artifacts(path: $path, first: 1000, after: $after) {
      pageInfo {
        hasNextPage
        endCursor
      }
      edges {
        node {
          path
          isDir
          size
          downloadUrl
        }
      }
    }
  }
}
    `),Se=new z(`
    subscription RunLog($run: ID!, $after: String) {
  runLogAppended(run: $run, after: $after, maxRate: 10) {
    cursor
    chunks {
      stream
      text
    }
  }
}
    `),Ce=new z(`
    query MetricGroups($id: ID!) {
  run(id: $id) {
    metricGroups {
      prefix
      metrics
      folder
    }
  }
}
    `),we=new z(`
    query MetricKeys($id: ID!, $prefix: String!, $after: String) {
  run(id: $id) {
    metricPage(prefix: $prefix, first: 60, after: $after) {
      totalCount
      pageInfo {
        hasNextPage
        endCursor
      }
      edges {
        node {
          key
          role
        }
      }
    }
  }
}
    `),Te=new z(`
    query Run($id: ID!) {
  run(id: $id) {
    runId
    name
    status
    statusReason
    lifecycleStage
    startTime
    endTime
    userId
    createdBy
    experiment {
      experimentId
      name
    }
    parent {
      runId
      name
    }
    children(first: 100) {
      totalCount
      edges {
        node {
          runId
          name
          status
          startTime
        }
      }
    }
    params {
      key
      value
    }
    tags {
      key
      value
    }
    metricPage(first: 200) {
      totalCount
      edges {
        node {
          key
          role
          count
          nanCount
          last {
            value
            step
          }
          min {
            value
            step
          }
          max {
            value
            step
          }
        }
      }
    }
    inputs {
      context
      dataset {
        name
        digest
        sourceType
      }
    }
    outputs {
      step
      model {
        modelId
        name
        modelType
        status
        createdAt
      }
    }
    fingerprint {
      codeHash
      dataHash
      dependenciesHash
      seedsHash
      commandHash
      hardwareHash
    }
  }
  viewer {
    role
  }
}
    `),Ee=new z(`
    subscription RunChanged($filter: String!, $after: String) {
  runsChanged(filter: $filter, after: $after, maxRate: 1) {
    cursor
    changes {
      kind
    }
  }
}
    `),De=new z(`
    mutation SetTag($runId: ID!, $key: String!, $value: String!) {
  setTag(runId: $runId, key: $key, value: $value) {
    runId
  }
}
    `),Oe=new z(`
    mutation DeleteTag($runId: ID!, $key: String!) {
  deleteTag(runId: $runId, key: $key) {
    runId
  }
}
    `),ke=new z(`
    query ExperimentHead($id: ID!) {
  experiment(id: $id) {
    experimentId
    name
    tags {
      key
      value
    }
  }
  viewer {
    role
  }
}
    `),Ae=new z(`
    mutation DeleteRun($runId: ID!) {
  deleteRun(runId: $runId) {
    runId
  }
}
    `),je=new z(`
    mutation RestoreRun($runId: ID!) {
  restoreRun(runId: $runId) {
    runId
  }
}
    `),Me=new z(`
    query Facets($experiments: [ID!], $prefix: String!) {
  runFacets(experiments: $experiments) {
    runs
    metrics(prefix: $prefix, first: 1000) {
      edges {
        node {
          key
          runs
          min
          max
        }
      }
      pageInfo {
        hasNextPage
      }
    }
    params(prefix: $prefix, first: 1000) {
      edges {
        node {
          key
          runs
          min
          max
        }
      }
      pageInfo {
        hasNextPage
      }
    }
    tags(prefix: $prefix, first: 1000) {
      edges {
        node {
          key
          runs
          min
          max
        }
      }
      pageInfo {
        hasNextPage
      }
    }
  }
}
    `),Ne=new z(`
    query Runs($experiments: [ID!], $filter: String, $orderBy: [String!], $view: View, $topLevel: Boolean!, $first: Int!, $after: String, $params: [String!], $tags: [String!], $metrics: [String!]) {
  runs(
    experiments: $experiments
    filter: $filter
    orderBy: $orderBy
    view: $view
    topLevel: $topLevel
    first: $first
    after: $after
  ) {
    edges {
      node {
        ...RunRow
      }
    }
    pageInfo {
      hasNextPage
      endCursor
    }
  }
}
    fragment RunRow on Run {
  runId
  name
  status
  statusReason
  lifecycleStage
  startTime
  endTime
  userId
  createdBy
  experiment {
    experimentId
    name
    metricGoals {
      key
      goal
    }
  }
  params(keys: $params) {
    key
    value
  }
  tags(keys: $tags) {
    key
    value
  }
  metrics(keys: $metrics) {
    key
    nanCount
    last {
      value
    }
    min {
      value
    }
    max {
      value
    }
  }
}`),Pe=new z(`
    query RunCount($experiments: [ID!], $filter: String, $view: View, $topLevel: Boolean!) {
  runs(
    experiments: $experiments
    filter: $filter
    view: $view
    topLevel: $topLevel
    first: 1
  ) {
    totalCount
  }
}
    `),Fe=new z(`
    subscription RunsChanged($experiments: [ID!], $filter: String, $topLevel: Boolean!, $after: String, $params: [String!], $tags: [String!], $metrics: [String!]) {
  runsChanged(
    experiments: $experiments
    filter: $filter
    topLevel: $topLevel
    after: $after
    maxRate: 5
  ) {
    cursor
    changes {
      kind
      runId
      run {
        ...RunRow
      }
    }
  }
}
    fragment RunRow on Run {
  runId
  name
  status
  statusReason
  lifecycleStage
  startTime
  endTime
  userId
  createdBy
  experiment {
    experimentId
    name
    metricGoals {
      key
      goal
    }
  }
  params(keys: $params) {
    key
    value
  }
  tags(keys: $tags) {
    key
    value
  }
  metrics(keys: $metrics) {
    key
    nanCount
    last {
      value
    }
    min {
      value
    }
    max {
      value
    }
  }
}`);function Ie(e){return e==null?NaN:Number(e)}function B(e,t=5){return e==null?``:typeof e==`number`?Number.isInteger(e)&&Math.abs(e)<0x38d7ea4c68000?String(e):e!==0&&(Math.abs(e)<1e-4||Math.abs(e)>=1e9)?e.toExponential(t-2).replace(/\.?0+e/,`e`):String(Number(e.toPrecision(t))):e===`Infinity`?`∞`:e===`-Infinity`?`−∞`:e}function Le(e){return e>0?`+${B(e,3)}`:B(e,3).replace(`-`,`−`)}function V(e){return e.toLocaleString(`en-US`)}function Re(e){let t=[`B`,`KiB`,`MiB`,`GiB`,`TiB`],n=0;for(;e>=1024&&n<t.length-1;)e/=1024,n++;return`${n===0||e>=100?Math.round(e):Number(e.toPrecision(3))} ${t[n]}`}var H=e=>String(e).padStart(2,`0`);function U(e){let t=new Date(e);return`${t.getFullYear()}-${H(t.getMonth()+1)}-${H(t.getDate())} ${H(t.getHours())}:${H(t.getMinutes())}:${H(t.getSeconds())}`}function ze(e,t=Date.now()){let n=Math.round((t-new Date(e).getTime())/1e3);return n<-60?U(e):n<5?`just now`:n<60?`${n} s ago`:n<3600?`${Math.floor(n/60)} min ago`:n<86400?`${Math.floor(n/3600)} h ago`:n<2592e3?`${Math.floor(n/86400)} d ago`:U(e).slice(0,10)}function Be(e){if(e<1e3)return`${Math.max(0,Math.round(e))} ms`;let t=e/1e3;if(t<60)return`${t.toFixed(1)} s`;let n=Math.floor(t/60);return n<60?`${n} min ${Math.floor(t%60)} s`:n<1440?`${Math.floor(n/60)} h ${n%60} min`:`${Math.floor(n/1440)} d ${Math.floor(n/60)%24} h`}var W=r(),Ve=300;function He({label:e,value:t,onChange:n,placeholder:r,className:i}){let[a,o]=(0,C.useState)(t),s=(0,C.useRef)(t),c=(0,C.useRef)(0);(0,C.useEffect)(()=>{t!==s.current&&(s.current=t,o(t))},[t]),(0,C.useEffect)(()=>()=>clearTimeout(c.current),[]);let l=e=>{clearTimeout(c.current),e!==s.current&&(s.current=e,n(e))};return(0,W.jsx)(`input`,{type:`search`,className:i,"aria-label":e,placeholder:r,value:a,spellCheck:!1,autoComplete:`off`,onChange:e=>{let t=e.target.value;o(t),clearTimeout(c.current),c.current=window.setTimeout(()=>l(t),Ve)},onKeyDown:e=>{e.key===`Enter`&&l(a)}})}function Ue(e){(0,C.useEffect)(()=>{document.title=e?`${e} · Cairn`:`Cairn`},[e])}var G={page:`ExperimentsPage_page`,head:`ExperimentsPage_head`,scroll:`ExperimentsPage_scroll`,name:`ExperimentsPage_name`,note:`ExperimentsPage_note`,running:`ExperimentsPage_running`,failed:`ExperimentsPage_failed`,time:`ExperimentsPage_time`},We=ue,Ge=de,Ke={created:[`newest first`,{field:`CREATED_AT`,direction:`DESC`}],name:[`by name`,{field:`NAME`,direction:`ASC`}],updated:[`last changed first`,{field:`UPDATED_AT`,direction:`DESC`}]},qe=e=>e?`name ILIKE '%${e.replaceAll(`'`,`''`)}%'`:null;function Je(e){let[t,n]=(0,C.useState)([]),[r,i]=(0,C.useState)(),[a,o]=(0,C.useState)(),[s,c]=(0,C.useState)(0),l=T(O),u=JSON.stringify(e);return(0,C.useEffect)(()=>{let e=!1;return F(We,JSON.parse(u)).then(({experiments:t})=>{e||(o(void 0),n(t.edges.map(e=>e.node)),i({total:t.totalCount,after:t.pageInfo.hasNextPage?t.pageInfo.endCursor??null:null}))},t=>{e||o(P(t))}),()=>{e=!0}},[u,l,s]),(0,C.useEffect)(()=>ne(Ge,{},({runsChanged:e})=>(e.changes.length>0&&c(e=>e+1),e.cursor)),[l]),{list:t,page:r,problem:a,more:(0,C.useCallback)(async()=>{try{let{experiments:e}=await F(We,{...JSON.parse(u),after:r?.after??null});n(t=>[...t,...e.edges.map(e=>e.node)]),i({total:e.totalCount,after:e.pageInfo.hasNextPage?e.pageInfo.endCursor??null:null})}catch(e){o(P(e))}},[u,r])}}function Ye(){Ue(`Experiments`);let e=y({from:`/`}),n=t({from:`/`}),r=Ke[e.sort??``]?e.sort??`created`:`created`,i=e.view===`deleted`,{list:a,page:o,problem:s,more:c}=Je({filter:qe(e.q??``),orderBy:Ke[r]?.[1]??null,view:i?`DELETED`:`ACTIVE`}),l=o?.total!==void 0&&!e.q&&!i&&a.every(e=>e.all.totalCount===0);return(0,W.jsxs)(`div`,{className:G.page,children:[(0,W.jsxs)(`div`,{className:G.head,children:[(0,W.jsx)(`h1`,{children:`Experiments`}),(0,W.jsx)(`span`,{className:`quiet`,"aria-live":`polite`,children:o&&`${V(o.total)} ${o.total===1?`experiment`:`experiments`}`}),(0,W.jsx)(`span`,{className:`spring`}),(0,W.jsx)(He,{label:`Search experiments by name`,placeholder:`Search by name`,value:e.q??``,onChange:e=>n({search:t=>({...t,q:e||void 0}),replace:!0})}),(0,W.jsx)(`select`,{"aria-label":`Order`,value:r,onChange:e=>n({search:t=>({...t,sort:e.target.value===`created`?void 0:e.target.value})}),children:Object.entries(Ke).map(([e,[t]])=>(0,W.jsx)(`option`,{value:e,children:t},e))}),(0,W.jsxs)(`label`,{className:`row`,children:[(0,W.jsx)(`input`,{type:`checkbox`,checked:i,onChange:e=>n({search:t=>({...t,view:e.target.checked?`deleted`:void 0})})}),` deleted`]})]}),s&&(0,W.jsx)(`p`,{className:`problem`,role:`alert`,children:s.message}),l&&(0,W.jsx)(Ze,{}),a.length>0&&(0,W.jsx)(`div`,{className:`card ${G.scroll}`,role:`region`,"aria-label":`List of experiments`,tabIndex:0,children:(0,W.jsxs)(`table`,{className:`plain`,children:[(0,W.jsx)(`thead`,{children:(0,W.jsxs)(`tr`,{children:[(0,W.jsx)(`th`,{scope:`col`,children:`Experiment`}),(0,W.jsx)(`th`,{scope:`col`,className:`num`,children:`Runs`}),(0,W.jsx)(`th`,{scope:`col`,children:`Running`}),(0,W.jsx)(`th`,{scope:`col`,children:`Failed`}),(0,W.jsx)(`th`,{scope:`col`,children:`Last run`}),(0,W.jsx)(`th`,{scope:`col`,children:`Made`})]})}),(0,W.jsx)(`tbody`,{children:a.map(e=>(0,W.jsx)(Xe,{experiment:e},e.experimentId))})]})}),o&&a.length===0&&!s&&(0,W.jsx)(`div`,{className:`empty`,children:(0,W.jsx)(`h2`,{children:`No experiment matches`})}),o?.after&&(0,W.jsx)(`p`,{children:(0,W.jsx)(`button`,{type:`button`,onClick:c,children:`Show more`})})]})}function Xe({experiment:e}){let t=e.tags.find(e=>e.key===`mlflow.note.content`)?.value,n=e.all.edges[0]?.node.startTime;return(0,W.jsxs)(`tr`,{children:[(0,W.jsxs)(`td`,{children:[(0,W.jsx)(s,{to:`/experiments/$experimentId`,params:{experimentId:e.experimentId},className:G.name,children:e.name}),t&&(0,W.jsx)(`div`,{className:`quiet ${G.note}`,children:t})]}),(0,W.jsx)(`td`,{className:`num`,children:V(e.all.totalCount)}),(0,W.jsx)(`td`,{children:e.running.totalCount>0&&(0,W.jsxs)(`span`,{className:G.running,children:[`▶ `,V(e.running.totalCount)]})}),(0,W.jsx)(`td`,{children:e.failed.totalCount>0&&(0,W.jsxs)(`span`,{className:G.failed,children:[`✕ `,V(e.failed.totalCount)]})}),(0,W.jsx)(`td`,{className:G.time,title:n&&U(n),children:n&&ze(n)}),(0,W.jsx)(`td`,{className:G.time,title:`${U(e.createdAt)} by ${e.createdBy}`,children:U(e.createdAt).slice(0,10)})]})}function Ze(){let e=new URL(document.baseURI),t=e.origin+e.pathname.replace(/\/$/,``);return(0,W.jsxs)(`div`,{className:`empty`,children:[(0,W.jsx)(`h2`,{children:`No run yet`}),(0,W.jsx)(`p`,{children:`Record a training without changing it:`}),(0,W.jsx)(`pre`,{tabIndex:0,children:`cairn exec --server ${t} -- python train.py`}),(0,W.jsxs)(`p`,{children:[`or let an MLflow client log here, with `,(0,W.jsxs)(`code`,{children:[`MLFLOW_TRACKING_URI=`,t]}),`.`]})]})}var Qe=w([]),$e=12e3,et=0;function tt(e){Qe.set(Qe.get().filter(t=>t.id!==e))}function K(e,t={}){let n=++et;Qe.set([...Qe.get().slice(-3),{id:n,text:e,...t}]),setTimeout(()=>tt(n),$e)}var nt=[`last`,`min`,`max`,`best`],q=[{key:`run_name`,title:`Run`,width:230,sortable:!0},{key:`status`,title:`Status`,width:104,sortable:!0},{key:`start_time`,title:`Started`,width:118,sortable:!0},{key:`duration`,title:`Took`,width:104,sortable:!1},{key:`end_time`,title:`Ended`,width:118,sortable:!0},{key:`experiment`,title:`Experiment`,width:150,sortable:!1},{key:`user_id`,title:`User`,width:110,sortable:!0},{key:`created_by`,title:`Recorded by`,width:130,sortable:!0},{key:`run_id`,title:`Run id`,width:270,sortable:!0}],rt={metric:`metrics.`,param:`params.`,tag:`tags.`};function J(e,t,n=`last`){if(e===`attribute`)return t;let r=rt[e]+t;return e===`metric`&&n!==`last`?`${n}(${r})`:r}function it(e){let t=/^(min|max|best)\((.*)\)$/s.exec(e),n=t?t[2]??``:e;for(let r of[`metric`,`param`,`tag`])if(n.startsWith(rt[r])&&n.length>rt[r].length&&(!t||r===`metric`))return{id:e,kind:r,key:n.slice(rt[r].length),aggregate:t?.[1]??`last`};return!t&&q.some(t=>t.key===e)?{id:e,kind:`attribute`,key:e,aggregate:`last`}:void 0}function at(e){if(e.kind===`attribute`)return e.key;let t=/^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*$/.test(e.key)?e.key:`\`${e.key.replaceAll("`","``")}\``,n=rt[e.kind]+t;return e.kind===`metric`&&e.aggregate!==`last`?`${e.aggregate}(${n})`:n}function ot(e){return e.kind!==`attribute`||(q.find(t=>t.key===e.key)?.sortable??!1)}function st(e){return e.kind===`attribute`?q.find(t=>t.key===e.key)?.title??e.key:e.key}function ct(e){if(e.kind===`attribute`)return``;let t={metric:`Metrics`,param:`Params`,tag:`Tags`}[e.kind],n=Math.max(e.key.lastIndexOf(`/`),e.key.lastIndexOf(`.`));return n>0?`${t} · ${e.key.slice(0,n)}`:t}function lt(e){if(e.kind===`attribute`)return st(e);let t=Math.max(e.key.lastIndexOf(`/`),e.key.lastIndexOf(`.`)),n=t>0&&t<e.key.length-1?e.key.slice(t+1):e.key;return e.aggregate===`last`?n:`${e.aggregate} ${n}`}function ut(e){return e.kind===`attribute`?q.find(t=>t.key===e.key)?.width??120:Math.min(220,Math.max(96,lt(e).length*7.5+40))}function dt(e){return e.kind===`metric`}var Y={panel:`ColumnsPanel_panel`,head:`ColumnsPanel_head`,search:`ColumnsPanel_search`,list:`ColumnsPanel_list`,group:`ColumnsPanel_group`,choice:`ColumnsPanel_choice`,key:`ColumnsPanel_key`,range:`ColumnsPanel_range`,more:`ColumnsPanel_more`,pin:`ColumnsPanel_pin`},ft=Me;async function pt(e,t=``){let{runFacets:n}=await F(ft,{experiments:e,prefix:t}),r=(e,t)=>t.edges.map(({node:t})=>({kind:e,key:t.key,runs:t.runs,min:t.min??null,max:t.max??null}));return{runs:n.runs,keys:[...r(`metric`,n.metrics),...r(`param`,n.params),...r(`tag`,n.tags)],more:[n.metrics,n.params,n.tags].some(e=>e.pageInfo.hasNextPage)}}var mt=6,ht=8;function gt(e,t){let n=e=>e.runs*(e.min!==e.max||e.min===null?2:1),r=(t,r)=>e.keys.filter(e=>e.kind===t&&!e.key.startsWith(`system/`)).sort((e,t)=>n(t)-n(e)||(e.key<t.key?-1:1)).slice(0,r).sort((e,t)=>e.key<t.key?-1:1).map(e=>J(e.kind,e.key));return[`status`,`start_time`,`duration`,...t?[`experiment`]:[],...r(`metric`,mt),...r(`param`,ht)].map(it).filter(e=>e!==void 0)}var _t=300,vt=[[`attribute`,`Attributes`],[`metric`,`Metrics`],[`param`,`Params`],[`tag`,`Tags`]];function yt({columns:e,pinned:t,experiments:n,found:r,onColumns:i,onPinned:a,onReset:o,onClose:s}){let[c,l]=(0,C.useState)(``),[u,d]=(0,C.useState)();(0,C.useEffect)(()=>{let e=!1;return c&&r?.more&&pt(n,c).then(t=>{e||d({prefix:c,found:t})},()=>{}),()=>{e=!0}},[c,r,n]);let f=(0,C.useMemo)(()=>new Set(e.map(e=>e.id)),[e]),p=(0,C.useMemo)(()=>{let e=q.filter(e=>e.key!==`run_name`).map(e=>({kind:`attribute`,key:e.key,runs:0,min:null,max:null})),t=new Set;for(let n of[...r?.keys??[],...u&&c.startsWith(u.prefix)?u.found.keys:[]]){let r=J(n.kind,n.key);t.has(r)||e.push(n),t.add(r)}let n=c.toLowerCase();return e.filter(e=>e.key.toLowerCase().includes(n))},[r,u,c]),m=(t,n,r)=>{let a=J(t.kind,t.key,n);i(r?[...e.map(e=>e.id),a]:e.map(e=>e.id).filter(e=>e!==a))};return(0,W.jsxs)(`aside`,{className:Y.panel,"aria-label":`Columns`,onKeyDown:e=>{e.key===`Escape`&&s()},children:[(0,W.jsxs)(`div`,{className:Y.head,children:[(0,W.jsx)(`h2`,{children:`Columns`}),(0,W.jsx)(`span`,{className:`spring`}),(0,W.jsx)(`button`,{type:`button`,onClick:o,children:`Reset`}),(0,W.jsx)(`button`,{type:`button`,className:`plain`,"aria-label":`Close columns`,onClick:s,children:`✕`})]}),(0,W.jsx)(He,{label:`Search columns`,placeholder:`Search keys`,value:c,onChange:l,className:Y.search}),(0,W.jsxs)(`div`,{className:Y.list,tabIndex:0,role:`region`,"aria-label":`All columns`,children:[vt.map(([e,n])=>{let r=p.filter(t=>t.kind===e);return r.length===0?null:(0,W.jsxs)(`fieldset`,{className:Y.group,children:[(0,W.jsx)(`legend`,{children:n}),r.slice(0,_t).map(e=>(0,W.jsx)(bt,{facet:e,chosen:f,pinned:t,set:m,onPinned:a},e.key)),r.length>_t&&(0,W.jsxs)(`p`,{className:`quiet`,children:[V(r.length-_t),` more: search for them`]})]},e)}),r?.more&&!c&&(0,W.jsx)(`p`,{className:`quiet`,children:`There are more keys: a search finds those that begin with it.`}),p.length===0&&(0,W.jsx)(`p`,{className:`quiet`,children:`No key matches.`})]})]})}function bt({facet:e,chosen:t,pinned:n,set:r,onPinned:i}){let a=J(e.kind,e.key),o=e.kind===`attribute`?q.find(t=>t.key===e.key)?.title:e.key,s=e.min!==null&&e.max!==null&&e.kind!==`tag`?`${B(e.min,3)} … ${B(e.max,3)}`:``,c=n.includes(a);return(0,W.jsxs)(`div`,{className:Y.choice,children:[(0,W.jsxs)(`label`,{children:[(0,W.jsx)(`input`,{type:`checkbox`,checked:t.has(a),onChange:t=>r(e,`last`,t.target.checked)}),(0,W.jsx)(`span`,{className:Y.key,children:o}),e.runs>0&&(0,W.jsx)(`span`,{className:Y.range,children:s||`${V(e.runs)} runs`})]}),t.has(a)&&(0,W.jsx)(`button`,{type:`button`,className:Y.pin,"aria-pressed":c,"aria-label":`Pin ${o}`,onClick:()=>i(c?n.filter(e=>e!==a):[...n,a]),children:`pin`}),e.kind===`metric`&&(0,W.jsx)(`span`,{className:Y.more,role:`group`,"aria-label":`Values of ${e.key}`,children:nt.filter(e=>e!==`last`).map(n=>{let i=t.has(J(`metric`,e.key,n));return(0,W.jsx)(`button`,{type:`button`,"aria-pressed":i,onClick:()=>r(e,n,!i),children:n},n)})})]})}function xt(e,t,n){let r=URL.createObjectURL(new Blob([e],{type:t})),i=document.createElement(`a`);i.href=r,i.download=n.replace(/[/\\:*?"<>|]/g,`_`),i.click(),setTimeout(()=>URL.revokeObjectURL(r),6e4)}var St=Ne,Ct=Pe,wt=Fe,Tt=100,Et=500,Dt=1500,Ot=1600,kt=1e3;function At(e,t){let n=new Map(e.params.map(e=>[e.key,e.value])),r=new Map(e.tags.map(e=>[e.key,e.value])),i=new Map(e.metrics.map(e=>[e.key,e])),a=new Map(e.experiment.metricGoals.map(({key:e,goal:t})=>[e,t])),o=new Map;for(let s of t){let t;if(s.kind===`param`)t=n.get(s.key);else if(s.kind===`tag`)t=r.get(s.key);else if(s.kind===`metric`){let e=i.get(s.key),n=a.get(s.key);e&&(s.aggregate===`min`||s.aggregate===`best`&&n===`MINIMIZE`?t=e.min?.value:s.aggregate===`max`||s.aggregate===`best`&&n===`MAXIMIZE`?t=e.max?.value:s.aggregate===`last`&&(t=e.last.value))}else t=jt(e,s.key);o.set(s.id,t)}return{run:e,cells:o}}function jt(e,t){switch(t){case`run_name`:return e.name;case`run_id`:return e.runId;case`status`:return e.status;case`start_time`:return e.startTime;case`end_time`:return e.endTime??void 0;case`duration`:return e.endTime?Be(Date.parse(e.endTime)-Date.parse(e.startTime)):void 0;case`experiment`:return e.experiment.name;case`user_id`:return e.userId;case`created_by`:return e.createdBy;default:return}}var Mt=class{criteria;rows=[];index=new Map;snapshot={rows:[],total:void 0,done:!1,loading:!0,problem:void 0,changed:new Set};listeners=new Set;after=null;wanted=0;running=!1;ended=!1;touched=new Set;timers=new Map;unfollow=()=>{};constructor(e){this.criteria=e}start(){return this.ended=!1,this.criteria.deleted||this.listen(),this.recount(),this.load(),()=>{this.ended=!0,this.unfollow();for(let e of this.timers.values())clearTimeout(e);this.timers.clear()}}get=()=>this.snapshot;subscribe=e=>(this.listeners.add(e),()=>this.listeners.delete(e));need(e){e<this.wanted||(this.wanted=e+1,this.load())}drop(e){this.index.delete(e)&&(this.rows=this.rows.filter(t=>t.run.runId!==e),this.tell({total:this.snapshot.total===void 0?void 0:this.snapshot.total-1}),this.later(`count`,Dt,()=>this.recount()))}refresh(){this.reorder(),this.recount()}get selection(){let e=e=>[...new Set(this.criteria.columns.filter(t=>t.kind===e).map(e=>e.key))];return{params:e(`param`),tags:e(`tag`),metrics:e(`metric`)}}get question(){let{experiments:e,filter:t,deleted:n,topLevel:r}=this.criteria;return{experiments:e,filter:t,topLevel:r,view:n?`DELETED`:`ACTIVE`}}tell(e){if(!this.ended){this.snapshot={...this.snapshot,rows:this.rows,...e};for(let e of this.listeners)e()}}later(e,t,n){this.timers.has(e)||this.ended||this.timers.set(e,window.setTimeout(()=>{this.timers.delete(e),n()},t))}async load(){if(!(this.running||this.ended)){this.running=!0;try{for(;!this.ended&&!this.snapshot.done&&(this.rows.length===0||this.rows.length<this.wanted+Tt/2);){this.tell({loading:!0}),this.touched=new Set;let e=this.rows.length===0?Tt:Math.min(Et,Math.max(Tt,this.wanted-this.rows.length)),{runs:t}=await F(St,{...this.question,...this.selection,orderBy:this.criteria.orderBy,first:e,after:this.after});if(this.ended)return;let n=[];for(let{node:e}of t.edges){if(this.index.has(e.runId)||this.touched.has(e.runId))continue;let t=At(e,this.criteria.columns);this.index.set(e.runId,t),n.push(t)}this.rows=[...this.rows,...n],this.after=t.pageInfo.endCursor??null,this.tell({done:!t.pageInfo.hasNextPage,loading:!1,problem:void 0})}}catch(e){this.tell({problem:P(e),loading:!1})}finally{this.running=!1}}}async recount(){try{let{runs:e}=await F(Ct,this.question);this.tell({total:e.totalCount})}catch{}}listen(){let{experiments:e,filter:t,topLevel:n,columns:r}=this.criteria;this.unfollow=ne(wt,{experiments:e,filter:t,topLevel:n,...this.selection},({runsChanged:e})=>{if(e.changes.length>0){let t=new Set(this.snapshot.changed);for(let{runId:n,run:i}of e.changes)this.touched.add(n),t.add(n),i?this.put(At(i,r)):this.index.delete(n)&&(this.rows=this.rows.filter(e=>e.run.runId!==n));this.tell({changed:t}),this.later(`flash`,Ot,()=>this.tell({changed:new Set})),this.later(`count`,Dt,()=>this.recount()),this.criteria.orderBy&&this.later(`order`,kt,()=>void this.reorder())}return e.cursor},e=>{e.code===`INVALID_ARGUMENT`&&e.field===`after`&&(this.unfollow(),this.listen(),this.refresh())})}put(e){let{runId:t}=e.run;if(this.index.has(t))this.rows=this.rows.map(n=>n.run.runId===t?e:n);else if(this.criteria.orderBy)return;else{let t=this.rows.findIndex(t=>t.run.startTime<=e.run.startTime);if(t<0&&!this.snapshot.done)return;this.rows=t<0?[...this.rows,e]:[...this.rows.slice(0,t),e,...this.rows.slice(t)]}this.index.set(t,e)}async reorder(){if(this.running)this.later(`order`,kt,()=>void this.reorder());else{this.running=!0;try{let e=[],t=Math.max(this.wanted,Tt),n=null,r=!0;for(;r&&e.length<t;){let{runs:i}=await F(St,{...this.question,...this.selection,orderBy:this.criteria.orderBy,first:Math.min(Et,Math.max(Tt,t-e.length)),after:n});if(this.ended)return;for(let{node:t}of i.edges)e.push(At(t,this.criteria.columns));n=i.pageInfo.endCursor??null,r=i.pageInfo.hasNextPage}this.rows=e,this.index=new Map(e.map(e=>[e.run.runId,e])),this.after=n,this.tell({done:!r,problem:void 0})}catch(e){this.tell({problem:P(e)})}finally{this.running=!1}}}};async function Nt(e,t){let n=t=>[...new Set(e.columns.filter(e=>e.kind===t).map(e=>e.key))],r=null;for(;;){let{runs:i}=await F(St,{experiments:e.experiments,filter:e.filter,orderBy:e.orderBy,topLevel:e.topLevel,view:e.deleted?`DELETED`:`ACTIVE`,first:Et,after:r,params:n(`param`),tags:n(`tag`),metrics:n(`metric`)});if(!t(i.edges.map(({node:t})=>At(t,e.columns)))||!i.pageInfo.hasNextPage)return;r=i.pageInfo.endCursor??null}}function Pt(e){if(e===void 0)return``;let t=String(e);return typeof e==`string`&&/^[=+\-@\t\r]/.test(t)&&Number.isNaN(Number(t))&&(t=`'${t}`),/[",\n\r]/.test(t)?`"${t.replaceAll(`"`,`""`)}"`:t}async function Ft(e,t,n){let r=[[`run_id`,`run_name`,...t.map(e=>e.kind===`attribute`?e.key:at(e))].map(Pt).join(`,`)];try{await Nt(e,e=>{for(let{run:n,cells:i}of e)r.push([n.runId,n.name,...t.map(e=>i.get(e.id))].map(Pt).join(`,`));return!0}),xt(`${r.join(`\r
`)}\r\n`,`text/csv`,`${n||`runs`}.csv`)}catch(e){K(P(e).message,{bad:!0})}}var It={box:`FilterBox_box`,field:`FilterBox_field`,list:`FilterBox_list`,problem:`FilterBox_problem`,where:`FilterBox_where`};function Lt(e){return{q:R(e.q)?.trim(),sort:R(e.sort),col:ae(e.col),pin:ae(e.pin),base:R(e.base),view:R(e.view),top:R(e.top),differ:R(e.differ),group:ae(e.group)}}function Rt(e){let t=/^(.*) (ASC|DESC)$/s.exec(e??``),n=t?.[1]?it(t[1]):void 0;return n&&ot(n)?{column:n,descending:t?.[2]===`DESC`}:void 0}function zt(e){return e&&`${e.column.id} ${e.descending?`DESC`:`ASC`}`}function Bt(e){return e?[`${at(e.column)} ${e.descending?`DESC`:`ASC`}`]:null}function Vt(e,t){let n=t.kind===`metric`||t.key===`start_time`||t.key===`end_time`;return e?.column.id===t.id?e.descending===n?{column:t,descending:!n}:void 0:{column:t,descending:n}}function Ht(e){let t=/^(?:filter|order_?by|orderBy)[^:]*: at (\d+):/i.exec(e);return t?.[1]?Number(t[1]):void 0}var Ut=12,Wt=[`AND`,`OR`,`NOT`,`IN (`,`LIKE '%%'`,`ILIKE '%%'`,`IS NULL`,`IS NOT NULL`];function Gt(e,t){let n=e.slice(0,t),r=/[^\s()<>=!,]*$/.exec(n);return{from:t-(r?.[0].length??0),word:r?.[0]??``}}function Kt(e,t){let n=e.toLowerCase();if(!n)return[];let r=[...(t?.keys??[]).map(e=>it(J(e.kind,e.key))).filter(e=>e!==void 0).map(at),...q.filter(e=>e.sortable).map(e=>e.key),`experiment_id`,`parent_run_id`,`dataset.name`,`dataset.digest`,...Wt],i=r.filter(e=>e.toLowerCase().startsWith(n)),a=r.filter(e=>!e.toLowerCase().startsWith(n)&&e.toLowerCase().includes(n));return[...i,...a].filter(t=>t!==e).slice(0,Ut)}function qt({value:e,onChange:t,problem:n,found:r}){let[i,a]=(0,C.useState)(e),[o,s]=(0,C.useState)(),[c,l]=(0,C.useState)(-1),u=(0,C.useRef)(null),d=(0,C.useRef)(void 0),f=(0,C.useId)();(0,C.useEffect)(()=>a(e),[e]),(0,C.useLayoutEffect)(()=>{d.current!==void 0&&u.current?.setSelectionRange(d.current,d.current),d.current=void 0});let{from:p,word:m}=Gt(i,o??0),h=(0,C.useMemo)(()=>o===void 0?[]:Kt(m,r),[o,m,r]),g=()=>{s(void 0),l(-1)},_=e=>{let t=`${i.slice(0,p)}${e}${i.slice(o??p).replace(/^\s?/,` `)}`;a(t),g();let n=p+e.length+(e.endsWith(`'`)?-2:+!e.endsWith(`(`));d.current=n},v=e=>{if(e.key===`ArrowDown`&&h.length>0)l((c+1)%h.length);else if(e.key===`ArrowUp`&&h.length>0)l((c+h.length-1)%h.length);else if((e.key===`Enter`||e.key===`Tab`)&&c>=0&&h[c])_(h[c]);else if(e.key===`Escape`&&o!==void 0&&h.length>0)g(),e.stopPropagation();else if(e.key===`Enter`){g(),t(i.trim());return}else return;e.preventDefault()},y=n&&n.field===`filter`&&i.trim()===e?Ht(n.message):void 0,b=[...i],x=n&&i.trim()===e?n.message.replace(/^filter: (at \d+: )?/,``):``;return(0,W.jsxs)(`div`,{className:It.box,children:[(0,W.jsx)(`input`,{ref:u,"data-filter":!0,className:It.field,type:`text`,role:`combobox`,"aria-label":`Filter`,"aria-expanded":h.length>0,"aria-controls":`${f}-list`,"aria-activedescendant":c>=0?`${f}-${c}`:void 0,"aria-autocomplete":`list`,"aria-invalid":x!==``,"aria-describedby":x?`${f}-problem`:void 0,placeholder:`metrics.accuracy > 0.9 AND params.max_depth = 3`,value:i,spellCheck:!1,autoComplete:`off`,onChange:e=>{a(e.target.value),s(e.target.selectionStart??e.target.value.length),l(-1)},onKeyDown:v,onBlur:()=>{g(),i.trim()!==e&&t(i.trim())}}),(0,W.jsx)(`ul`,{id:`${f}-list`,role:`listbox`,"aria-label":`Completions`,className:It.list,hidden:h.length===0,children:h.map((e,t)=>(0,W.jsx)(`li`,{id:`${f}-${t}`,role:`option`,"aria-selected":t===c,onMouseDown:t=>{t.preventDefault(),_(e)},children:e},e))}),x&&(0,W.jsxs)(`div`,{id:`${f}-problem`,role:`alert`,className:It.problem,children:[y!==void 0&&(0,W.jsxs)(`pre`,{className:It.where,"aria-hidden":`true`,children:[b.slice(0,y-1).join(``),(0,W.jsx)(`mark`,{children:b.slice(y-1).join(``)||` `})]}),y!==void 0&&(0,W.jsxs)(`span`,{children:[`At character `,y,`: `]}),x]})]})}var Jt={status:`RunStatus_status`},Yt={RUNNING:`▶`,SCHEDULED:`◷`,FINISHED:`✓`,FAILED:`✕`,KILLED:`■`};function Xt({status:e,reason:t}){return(0,W.jsxs)(`span`,{className:Jt.status,"data-status":e,title:t,children:[(0,W.jsx)(`span`,{"aria-hidden":`true`,children:Yt[e]??`?`}),` `,e.toLowerCase()]})}var X={grid:`Grid_grid`,head:`Grid_head`,headRow:`Grid_headRow`,corner:`Grid_corner`,headCell:`Grid_headCell`,sort:`Grid_sort`,group:`Grid_group`,body:`Grid_body`,row:`Grid_row`,changed:`Grid_changed`,name:`Grid_name`,base:`Grid_base`,cell:`Grid_cell`,none:`Grid_none`,differs:`Grid_differs`,delta:`Grid_delta`,waiting:`Grid_waiting`},Zt=32,Qt=56,$t=36,en=230,tn=150,nn=56;function rn(e){let{rows:n,total:r,columns:i,pinned:a,sort:o,onSort:s,selected:c,onSelect:l,need:u}=e,d=(0,C.useRef)(null),f=t(),[p,m]=(0,C.useState)({row:0,column:0}),[h,g]=(0,C.useState)(0),v=sn(d),y=e.base!==void 0,b=v?tn:en,{fixed:x,free:S,freeLeft:w,fullWidth:T}=(0,C.useMemo)(()=>{let e=[...i.filter(e=>a.includes(e.id)),...i.filter(e=>!a.includes(e.id))],t=$t+b,n=e.map((e,n)=>{let r={column:e,index:n+1,left:t,width:ut(e)+(y&&dt(e)?nn:0)};return t+=r.width,r}),r=v?0:e.filter(e=>a.includes(e.id)).length;return{fixed:n.slice(0,r),free:n.slice(r),freeLeft:n[r]?.left??t,fullWidth:t}},[i,a,b,v,y]),E=_({count:r,getScrollElement:()=>d.current,estimateSize:()=>Zt,overscan:8,scrollMargin:0,scrollPaddingStart:Qt}),D=_({horizontal:!0,count:S.length,getScrollElement:()=>d.current,estimateSize:e=>S[e]?.width??100,overscan:2,paddingStart:w,scrollPaddingStart:w});(0,C.useEffect)(()=>D.measure(),[D,S]);let O=E.getVirtualItems(),k=D.getVirtualItems(),A=k[0]?.index??0,j=k.at(-1)?.index??-1,M=(0,C.useMemo)(()=>[...x,...S.slice(A,j+1)],[x,S,A,j]),N=O.at(-1)?.index??0;(0,C.useEffect)(()=>u(N),[u,N,n]);let P=i.length+1,F=(0,C.useCallback)((e,t)=>{let n={row:Math.max(-1,Math.min(r-1,e)),column:Math.max(0,Math.min(P-1,t))};m(n),n.row>=0&&E.scrollToIndex(n.row,{align:`auto`});let i=n.column-1-x.length;return i>=0&&D.scrollToIndex(i,{align:`auto`}),n},[r,P,E,D,x.length]),I=(0,C.useCallback)((e,t)=>{let r=new Set(c),i=n[e];if(i){if(t)for(let t=Math.min(h,e);t<=Math.max(h,e);t++){let e=n[t];e&&r.add(e.run.runId)}else r.delete(i.run.runId)||r.add(i.run.runId);g(e),l(r)}},[n,c,l,h]),ee=e=>{if(e.altKey||e.metaKey||e.target!==e.currentTarget)return;let t=Math.max(1,Math.floor(((d.current?.clientHeight??400)-Qt)/Zt)-1),{row:i,column:a}=p,o={ArrowDown:()=>F(i+1,a),ArrowUp:()=>F(i-1,a),j:()=>F(i+1,a),k:()=>F(i-1,a),ArrowRight:()=>F(i,a+1),ArrowLeft:()=>F(i,a-1),PageDown:()=>F(i+t,a),PageUp:()=>F(Math.max(0,i-t),a),Home:()=>F(e.ctrlKey?0:i,0),End:()=>F(e.ctrlKey?r-1:i,e.ctrlKey?a:P-1),x:()=>I(i,!1)," ":()=>I(i,e.shiftKey),Enter:()=>{let e=[...x,...S][a-1];i<0?e?ot(e.column)&&s(e.column):s({id:`run_name`,kind:`attribute`,key:`run_name`,aggregate:`last`}):n[i]&&f({to:`/runs/$runId`,params:{runId:n[i].run.runId}})}}[e.key];if(!(!o||e.ctrlKey&&e.key.length===1)){if(e.preventDefault(),e.stopPropagation(),e.shiftKey&&(e.key===`ArrowDown`||e.key===`ArrowUp`)){let t=F(i+(e.key===`ArrowDown`?1:-1),a),r=new Set(c);for(let e of[i,t.row]){let t=n[e];t&&r.add(t.run.runId)}l(r)}else o()}},L=p.row<r?on(p.row,p.column):void 0;return(0,W.jsxs)(`div`,{ref:d,className:X.grid,role:`grid`,tabIndex:0,"aria-label":e.label,"aria-rowcount":r+1,"aria-colcount":P,"aria-multiselectable":`true`,"aria-activedescendant":L,onKeyDown:ee,children:[(0,W.jsx)(`div`,{className:X.head,role:`rowgroup`,style:{width:T},children:(0,W.jsxs)(`div`,{role:`row`,"aria-rowindex":1,className:X.headRow,children:[(0,W.jsxs)(`div`,{role:`columnheader`,id:on(-1,0),"aria-colindex":1,"aria-sort":o?.column.id===`run_name`?o.descending?`descending`:`ascending`:`none`,className:X.corner,"data-active":p.row===-1&&p.column===0||void 0,style:{width:$t+b},children:[(0,W.jsx)(`input`,{type:`checkbox`,tabIndex:-1,"aria-label":`Select all runs that are loaded`,checked:n.length>0&&c.size>=n.length,onChange:e=>l(new Set(e.target.checked?n.map(e=>e.run.runId):[]))}),(0,W.jsx)(cn,{column:an,sort:o,onSort:s})]}),M.map((e,t)=>(0,W.jsx)(ln,{place:e,sort:o,onSort:s,active:p.row===-1&&p.column===e.index,stays:t<x.length,heads:t===0||ct(e.column)!==ct(M[t-1].column)},e.column.id))]})}),(0,W.jsx)(`div`,{className:X.body,role:`rowgroup`,style:{width:T,height:E.getTotalSize()},children:O.map(t=>{let r=n[t.index];return(0,W.jsx)(un,{row:r,index:t.index,shown:M,stays:x.length,width:T,name:b,active:p.row===t.index?p.column:-1,selected:r!==void 0&&c.has(r.run.runId),changed:r!==void 0&&e.changed.has(r.run.runId),base:e.base,toggle:I,activate:m},r?.run.runId??t.index)})})]})}var an={id:`run_name`,kind:`attribute`,key:`run_name`,aggregate:`last`},on=(e,t)=>`cell-${e}-${t}`;function sn(e){let[t,n]=(0,C.useState)(!1);return(0,C.useEffect)(()=>{let t=e.current;if(!t)return;let r=new ResizeObserver(()=>n(t.clientWidth<600));return r.observe(t),()=>r.disconnect()},[e]),t}function cn({column:e,sort:t,onSort:n}){let r=t?.column.id===e.id,i=(0,W.jsxs)(W.Fragment,{children:[lt(e),r&&(0,W.jsx)(`span`,{"aria-hidden":`true`,children:t.descending?` ↓`:` ↑`})]});return ot(e)?(0,W.jsx)(`button`,{type:`button`,tabIndex:-1,className:X.sort,onClick:()=>n(e),children:i}):(0,W.jsx)(`span`,{className:X.sort,children:i})}function ln({place:e,sort:t,onSort:n,active:r,stays:i,heads:a}){let{column:o}=e,s=t?.column.id===o.id?t.descending?`descending`:`ascending`:`none`;return(0,W.jsxs)(`div`,{role:`columnheader`,id:on(-1,e.index),"aria-colindex":e.index+1,"aria-sort":ot(o)?s:void 0,className:X.headCell,"data-active":r||void 0,"data-stays":i||void 0,"data-numeric":dt(o)||void 0,title:o.kind===`attribute`?st(o):at(o),style:i?{width:e.width,left:e.left}:{width:e.width,transform:`translateX(${e.left}px)`},children:[(0,W.jsx)(`span`,{className:X.group,children:a?ct(o):``}),(0,W.jsx)(cn,{column:o,sort:t,onSort:n})]})}var un=(0,C.memo)(function({row:e,index:t,shown:n,stays:r,width:i,name:a,active:o,selected:c,changed:l,base:u,toggle:d,activate:f}){let p={transform:`translateY(${t*Zt}px)`,width:i};return(0,W.jsxs)(`div`,{role:`row`,"aria-rowindex":t+2,"aria-selected":c,className:X.row,"data-changed":l||void 0,style:p,children:[(0,W.jsx)(`div`,{role:`gridcell`,"aria-colindex":1,id:on(t,0),className:X.name,"data-active":o===0||void 0,style:{width:$t+a},children:e?(0,W.jsxs)(W.Fragment,{children:[(0,W.jsx)(`input`,{type:`checkbox`,tabIndex:-1,"aria-label":`Select ${e.run.name}`,checked:c,onClick:e=>d(t,e.shiftKey),onChange:()=>{}}),(0,W.jsx)(s,{to:`/runs/$runId`,params:{runId:e.run.runId},tabIndex:-1,title:e.run.name,children:e.run.name||e.run.runId}),u?.run.runId===e.run.runId&&(0,W.jsx)(`span`,{className:X.base,children:`baseline`})]}):(0,W.jsx)(`span`,{className:X.waiting})}),n.map((n,i)=>{let a=e?.cells.get(n.column.id);return(0,W.jsx)(`div`,{role:`gridcell`,"aria-colindex":n.index+1,id:on(t,n.index),className:X.cell,"data-active":o===n.index||void 0,"data-stays":i<r||void 0,"data-numeric":dt(n.column)||void 0,title:a===void 0?void 0:n.column.key===`start_time`||n.column.key===`end_time`?U(String(a)):String(a),style:i<r?{left:n.left,width:n.width}:{transform:`translateX(${n.left}px)`,width:n.width},onMouseDown:()=>f({row:t,column:n.index}),children:e&&(0,W.jsx)(dn,{column:n.column,row:e,value:a,base:u&&u!==e?u.cells.get(n.column.id):void 0})},n.column.id)})]})});function dn({column:e,row:t,value:n,base:r}){if(e.kind===`attribute`)return e.key===`status`?(0,W.jsx)(Xt,{status:t.run.status,reason:t.run.statusReason}):(e.key===`start_time`||e.key===`end_time`)&&n!==void 0?(0,W.jsx)(W.Fragment,{children:ze(String(n))}):(0,W.jsx)(W.Fragment,{children:n});if(n===void 0)return(0,W.jsx)(`span`,{className:X.none,"aria-label":`none`,children:`–`});if(e.kind!==`metric`)return(0,W.jsx)(`span`,{className:r!==void 0&&r!==n?X.differs:void 0,children:n});let i=r===void 0?NaN:Ie(n)-Ie(r);return(0,W.jsxs)(W.Fragment,{children:[B(n),Number.isFinite(i)&&i!==0&&(0,W.jsx)(`span`,{className:X.delta,children:Le(i)})]})}var Z={page:`RunsPage_page`,head:`RunsPage_head`,tools:`RunsPage_tools`,note:`RunsPage_note`,actions:`RunsPage_actions`,body:`RunsPage_body`,compare:`RunsPage_compare`},fn=ke,pn=Ae,mn=je;function hn(){let e=y({from:`/runs`}),n=t({from:`/runs`}),r=(0,C.useCallback)((e,t=!1)=>void n({search:t=>({...t,...e}),replace:t}),[n]);return(0,W.jsx)(bn,{search:e,set:r,experimentId:void 0})}function gn(){let{experimentId:e}=x({from:`/experiments/$experimentId`}),n=y({from:`/experiments/$experimentId`}),r=t({from:`/experiments/$experimentId`}),i=(0,C.useCallback)((e,t=!1)=>void r({search:t=>({...t,...e}),replace:t}),[r]);return(0,W.jsx)(bn,{search:n,set:i,experimentId:e},e)}function _n(e){let[t,n]=(0,C.useState)(),r=T(O);return(0,C.useEffect)(()=>{let t=!1;return pt(e).then(e=>{t||n(e)},()=>{t||n({runs:0,keys:[],more:!1})}),()=>{t=!0}},[e,r]),t}function vn(e){let t=T(O),n=(0,C.useMemo)(()=>({secret:t,list:e&&new Mt(e)}).list,[e,t]);(0,C.useEffect)(()=>n?.start(),[n]);let[r,i]=(0,C.useMemo)(()=>[n?.subscribe??(()=>()=>{}),n?.get??(()=>void 0)],[n]);return{list:n,snapshot:(0,C.useSyncExternalStore)(r,i)}}function yn(e,t){return e.filter(e=>{if(e.kind===`attribute`)return!0;let n=t[0]?.cells.get(e.id);return t.some(t=>t.cells.get(e.id)!==n)})}function bn({search:e,set:t,experimentId:n}){let r=(0,C.useMemo)(()=>n===void 0?null:[n],[n]),[i,a]=(0,C.useState)(),o=T(O);(0,C.useEffect)(()=>{let e=!1;return F(fn,{id:n??`0`}).then(({experiment:t,viewer:r})=>{e||a({name:t?.name??``,mayEdit:r.role!==`VIEWER`,missing:n!==void 0&&!t})},()=>{}),()=>{e=!0}},[n,o]);let c=n===void 0?`All runs`:i?.name??`Experiment ${n}`;Ue(c);let l=_n(r),u=e.col?.join(`
`),d=(0,C.useMemo)(()=>u===void 0?l&&gt(l,n===void 0):u.split(`
`).map(it).filter(e=>e!==void 0),[u,l,n]),f=(0,C.useMemo)(()=>Rt(e.sort),[e.sort]),p=(0,C.useMemo)(()=>d&&{experiments:r,columns:d,filter:e.q??null,orderBy:Bt(Rt(e.sort)),deleted:e.view===`deleted`,topLevel:e.top===`1`},[d,r,e.q,e.sort,e.view,e.top]),{list:m,snapshot:h}=vn(p),[g,_]=(0,C.useState)(!1),[v,y]=(0,C.useState)(new Set),b=(0,C.useCallback)(e=>m?.need(e),[m]),x=(0,C.useMemo)(()=>h?.rows??[],[h]),S=(0,C.useMemo)(()=>e.pin??[],[e.pin]),w=(0,C.useMemo)(()=>e.differ===`1`?yn(d??[],x):d??[],[e.differ,d,x]),E=(0,C.useMemo)(()=>x.find(t=>t.run.runId===e.base),[x,e.base]),D=h?Math.max(x.length,h.done?x.length:h.total??x.length):0,k=(0,C.useMemo)(()=>new Set([...v].filter(e=>x.some(t=>t.run.runId===e))),[v,x]),A=T(L)===`broken`,j=async()=>{let e=[...k];y(new Set);try{for(let t of e)await I(pn,{runId:t}),m?.drop(t);K(e.length===1?`The run was deleted.`:`${e.length} runs were deleted.`,{undo:()=>{Promise.all(e.map(e=>I(mn,{runId:e}))).then(()=>m?.refresh(),e=>K(P(e).message,{bad:!0}))}})}catch(e){K(P(e).message,{bad:!0}),m?.refresh()}},M=async()=>{try{for(let e of k)await I(mn,{runId:e}),m?.drop(e);K(k.size===1?`The run was restored.`:`${k.size} runs were restored.`)}catch(e){K(P(e).message,{bad:!0})}y(new Set)};if(i?.missing)return(0,W.jsxs)(`div`,{className:`empty`,children:[(0,W.jsxs)(`h2`,{children:[`There is no experiment `,n]}),(0,W.jsx)(`p`,{children:(0,W.jsx)(s,{to:`/`,children:`All experiments`})})]});let N=h?.done&&x.length===0&&!h.problem;return(0,W.jsxs)(`div`,{className:Z.page,children:[(0,W.jsxs)(`div`,{className:Z.head,children:[(0,W.jsx)(`h1`,{children:c}),(0,W.jsxs)(`span`,{className:`quiet`,"aria-live":`polite`,children:[h?.total!==void 0&&`${V(h.total)} ${h.total===1?`run`:`runs`}`,A&&` · as of when the connection was lost`]})]}),(0,W.jsxs)(`div`,{className:Z.tools,children:[(0,W.jsx)(qt,{value:e.q??``,problem:h?.problem,found:l,onChange:e=>t({q:e||void 0})}),(0,W.jsx)(`button`,{type:`button`,"aria-expanded":g,onClick:()=>_(!g),children:`Columns`}),(0,W.jsx)(`button`,{type:`button`,"aria-pressed":e.differ===`1`,title:`Show only columns in which the loaded runs differ`,onClick:()=>t({differ:e.differ===`1`?void 0:`1`}),children:`Only differing`}),(0,W.jsx)(`button`,{type:`button`,"aria-pressed":e.top===`1`,title:`Leave out runs that are children of others`,onClick:()=>t({top:e.top===`1`?void 0:`1`}),children:`Top level`}),(0,W.jsx)(`button`,{type:`button`,"aria-pressed":e.view===`deleted`,onClick:()=>t({view:e.view===`deleted`?void 0:`deleted`}),children:`Deleted`}),(0,W.jsx)(`button`,{type:`button`,disabled:!p||x.length===0,title:`All runs that match, with these columns`,onClick:()=>p&&Ft(p,w,c),children:`CSV`})]}),h?.problem&&h.problem.field!==`filter`&&(0,W.jsx)(`p`,{className:`problem ${Z.note}`,role:`alert`,children:h.problem.message}),k.size>0&&(0,W.jsxs)(`div`,{className:Z.actions,role:`toolbar`,"aria-label":`Selected runs`,children:[(0,W.jsxs)(`strong`,{children:[k.size,` selected`]}),k.size>1&&(0,W.jsx)(s,{to:`/compare`,search:{run:x.filter(e=>k.has(e.run.runId)).slice(0,500).map(e=>e.run.runId)},className:Z.compare,children:`Compare`}),k.size===1&&(0,W.jsx)(`button`,{type:`button`,onClick:()=>t({base:[...k][0]===e.base?void 0:[...k][0]}),children:[...k][0]===e.base?`No baseline`:`Make it the baseline`}),i?.mayEdit&&(e.view===`deleted`?(0,W.jsx)(`button`,{type:`button`,onClick:M,children:`Restore`}):(0,W.jsx)(`button`,{type:`button`,className:`danger`,onClick:j,children:`Delete`})),(0,W.jsx)(`button`,{type:`button`,className:`plain`,onClick:()=>y(new Set),children:`Clear`})]}),N&&(e.q||e.view||e.top?(0,W.jsx)(`div`,{className:`empty`,children:(0,W.jsx)(`h2`,{children:`No run matches`})}):(0,W.jsx)(Ze,{})),(0,W.jsxs)(`div`,{className:Z.body,children:[h&&D>0&&(0,W.jsx)(rn,{rows:x,total:D,columns:w,pinned:S,sort:f,onSort:e=>t({sort:zt(Vt(f,e))}),selected:k,onSelect:y,changed:h.changed,need:b,base:E,label:`Runs of ${c}`}),g&&d&&(0,W.jsx)(yt,{columns:d,pinned:S,experiments:r,found:l,onColumns:e=>t({col:e.length>0?e:[`status`]},!0),onPinned:e=>t({pin:e.length>0?e:void 0},!0),onReset:()=>t({col:void 0,pin:void 0},!0),onClose:()=>_(!1)})]})]})}var xn=e=>({q:R(e.q)}),Sn=e=>({from:R(e.from),to:R(e.to)});function Cn(e){return{tab:R(e.tab),path:R(e.path),keys:R(e.keys),axis:R(e.axis),log:R(e.log),smooth:R(e.smooth),x:R(e.x)}}var Q={bar:`Layout_bar`,brand:`Layout_brand`,nav:`Layout_nav`,main:`Layout_main`,skip:`Layout_skip`,status:`Layout_status`,signIn:`Layout_signIn`},wn={list:`Notices_list`,notice:`Notices_notice`};function Tn(){let e=T(Qe);return(0,W.jsx)(`div`,{className:wn.list,role:`status`,"aria-label":`Notices`,children:e.map(e=>(0,W.jsxs)(`div`,{className:wn.notice,"data-bad":e.bad,children:[(0,W.jsx)(`span`,{children:e.text}),e.undo&&(0,W.jsx)(`button`,{type:`button`,onClick:()=>{tt(e.id),e.undo?.()},children:`Undo`}),(0,W.jsx)(`button`,{type:`button`,className:`plain`,"aria-label":`Dismiss`,onClick:()=>tt(e.id),children:`✕`})]},e.id))})}var En={dialog:`Shortcuts_dialog`,keys:`Shortcuts_keys`},Dn=[[`?`,`this list`],[`/`,`to the filter`],[`g e`,`experiments`],[`g r`,`runs`],[`g m`,`models`],[`← ↑ → ↓, j k`,`move in a table`],[`Home End, Ctrl+Home Ctrl+End`,`first and last column, first and last row`],[`Enter`,`open the run; on a heading, sort by it`],[`x`,`select the run`],[`Shift+↑ Shift+↓`,`select several runs`],[`Esc`,`close, or leave a field`]],On=e=>e instanceof HTMLElement&&(e.isContentEditable||/^(INPUT|SELECT|TEXTAREA)$/.test(e.tagName));function kn(){let e=t();(0,C.useEffect)(()=>{let t=0,n=n=>{if(n.ctrlKey||n.metaKey||n.altKey||n.defaultPrevented)return;if(On(n.target)){n.key===`Escape`&&n.target.blur();return}if(n.key===`/`){let e=document.querySelector(`[data-filter]`);e&&(n.preventDefault(),e.focus());return}if(n.key===`?`){document.querySelector(`[data-shortcuts]`)?.click();return}let r=n.timeStamp-t<1200;t=n.key===`g`?n.timeStamp:-1/0,r&&(n.key===`e`&&e({to:`/`}),n.key===`r`&&e({to:`/runs`}),n.key===`m`&&e({to:`/models`}))};return addEventListener(`keydown`,n),()=>removeEventListener(`keydown`,n)},[e])}function An(){let e=(0,C.useRef)(null);return(0,W.jsxs)(W.Fragment,{children:[(0,W.jsx)(`button`,{type:`button`,className:`plain`,"data-shortcuts":!0,"aria-label":`Keyboard shortcuts`,title:`Keyboard shortcuts (?)`,onClick:()=>e.current?.showModal(),children:(0,W.jsx)(`span`,{"aria-hidden":`true`,children:`?`})}),(0,W.jsxs)(`dialog`,{ref:e,className:En.dialog,"aria-labelledby":`shortcutsTitle`,children:[(0,W.jsx)(`h2`,{id:`shortcutsTitle`,children:`Keyboard shortcuts`}),(0,W.jsx)(`dl`,{className:En.keys,children:Dn.map(([e,t])=>(0,W.jsxs)(`div`,{children:[(0,W.jsx)(`dt`,{children:(0,W.jsx)(`kbd`,{children:e})}),(0,W.jsx)(`dd`,{children:t})]},e))}),(0,W.jsx)(`form`,{method:`dialog`,children:(0,W.jsx)(`button`,{type:`submit`,children:`Close`})})]})]})}var jn=`cairn.theme`,Mn={system:`light`,light:`dark`,dark:`system`},Nn={system:`◐`,light:`☀`,dark:`☾`};function Pn(){let e=document.documentElement.dataset.theme;return e===`light`||e===`dark`?e:`system`}function Fn(e){e===`system`?delete document.documentElement.dataset.theme:document.documentElement.dataset.theme=e;try{e===`system`?localStorage.removeItem(jn):localStorage.setItem(jn,e)}catch{}dispatchEvent(new Event(`cairn-theme`))}function In(){let[e,t]=(0,C.useState)(Pn);return(0,W.jsx)(`button`,{type:`button`,className:`plain`,"aria-label":`Colours: ${e}`,title:`Colours: ${e}. Click for ${Mn[e]}`,onClick:()=>{Fn(Mn[e]),t(Mn[e])},children:(0,W.jsx)(`span`,{"aria-hidden":`true`,children:Nn[e]})})}function Ln(){return kn(),(0,W.jsxs)(W.Fragment,{children:[(0,W.jsx)(`a`,{className:Q.skip,href:`#main`,children:`Skip to the content`}),(0,W.jsxs)(`header`,{className:Q.bar,children:[(0,W.jsxs)(s,{to:`/`,className:Q.brand,children:[(0,W.jsx)(`img`,{src:`assets/icon.svg`,alt:``,width:`24`,height:`24`}),`Cairn`]}),(0,W.jsxs)(`nav`,{"aria-label":`Pages`,className:Q.nav,children:[(0,W.jsx)(s,{to:`/`,activeOptions:{exact:!0,includeSearch:!1},children:`Experiments`}),(0,W.jsx)(s,{to:`/runs`,activeOptions:{exact:!0,includeSearch:!1},children:`Runs`}),(0,W.jsx)(s,{to:`/models`,activeOptions:{includeSearch:!1},children:`Models`}),(0,W.jsx)(`a`,{href:`explorer`,children:`GraphQL`})]}),(0,W.jsx)(`span`,{className:`spring`}),(0,W.jsx)(zn,{}),(0,W.jsx)(An,{}),(0,W.jsx)(In,{})]}),(0,W.jsx)(Bn,{}),(0,W.jsx)(Tn,{}),(0,W.jsx)(`main`,{id:`main`,className:Q.main,tabIndex:-1,children:(0,W.jsx)(o,{})})]})}var Rn={idle:``,connecting:`connecting…`,live:`live`,broken:`not live: reconnecting…`};function zn(){let e=T(L);return(0,W.jsx)(`span`,{className:Q.status,"data-state":e,role:`status`,children:Rn[e]})}function Bn(){let e=T(k),t=(0,C.useRef)(null);return(0,C.useEffect)(()=>{e&&t.current?.focus()},[e]),e?(0,W.jsxs)(`form`,{className:Q.signIn,"aria-label":`Sign in`,onSubmit:e=>{e.preventDefault(),k.set(``),O.set(t.current?.value.trim()??``)},children:[(0,W.jsxs)(`label`,{className:`row`,children:[(0,W.jsx)(`strong`,{children:`This server asks for a token`}),` `,(0,W.jsx)(`input`,{ref:t,type:`password`,autoComplete:`off`,"aria-describedby":`reason`})]}),(0,W.jsx)(`button`,{type:`submit`,className:`primary`,children:`Sign in`}),(0,W.jsx)(`p`,{id:`reason`,className:`quiet`,children:e})]}):null}function Vn(){let e=u({select:e=>e.location.pathname});return(0,W.jsxs)(`div`,{className:`empty`,children:[(0,W.jsx)(`h2`,{children:`There is no page here`}),(0,W.jsxs)(`p`,{children:[`Nothing is at `,(0,W.jsx)(`code`,{children:e}),`. `,(0,W.jsx)(s,{to:`/`,children:`Experiments`}),` has all there is.`]})]})}function Hn({error:e}){return(0,W.jsxs)(`div`,{className:`empty`,role:`alert`,children:[(0,W.jsx)(`h2`,{children:`This page failed`}),(0,W.jsx)(`p`,{children:P(e).message}),(0,W.jsx)(`p`,{children:(0,W.jsx)(`button`,{type:`button`,onClick:()=>location.reload(),children:`Load it again`})})]})}var Un=(function(){let e=typeof document<`u`&&document.createElement(`link`).relList;return e&&e.supports&&e.supports(`modulepreload`)?`modulepreload`:`preload`})(),Wn=function(e,t){return new URL(e,t).href},Gn={},Kn=function(e){return e.pathname.endsWith(`.css`)},qn=function(e,t,n){if(t in e)return e[t];let r=n();if(!r){e[t]=void 0;return}let i=r.then(()=>{e[t]=void 0},n=>{throw e[t]=void 0,n});return e[t]=i,i},Jn=function(e,t,n){let r=Promise.resolve();if(t&&t.length>0){let e,i=document.querySelector(`meta[property=csp-nonce]`),a=i?.nonce||i?.getAttribute(`nonce`);function o(e){return Promise.all(e.map(e=>Promise.resolve(e).then(e=>({status:`fulfilled`,value:e}),e=>({status:`rejected`,reason:e}))))}function s(e){return import.meta.resolve?new URL(import.meta.resolve(e)):new URL(e,import.meta.url)}r=o(t.map(t=>{t=Wn(t,n);let r=s(t),i=Kn(r);return qn(Gn,r.href,()=>{if(e===void 0){e={all:new Set,styles:new Set};let t=document.getElementsByTagName(`link`);for(let n=t.length-1;n>=0;n--){let r=t[n];e.all.add(r.href),r.rel===`stylesheet`&&e.styles.add(r.href)}}if((i?e.styles:e.all).has(r.href))return;let t=document.createElement(`link`);if(t.rel=i?`stylesheet`:Un,i||(t.as=`script`),t.crossOrigin=``,t.href=r.href,a&&t.setAttribute(`nonce`,a),document.head.appendChild(t),i)return new Promise((e,n)=>{let i=a=>{t.removeEventListener(`load`,i),t.removeEventListener(`error`,i),a.type===`error`?n(Error(`Unable to preload CSS for ${r}`)):e(a)};t.addEventListener(`load`,i),t.addEventListener(`error`,i)})})}).filter(e=>e!==void 0))}function i(e){let t=new Event(`vite:preloadError`,{cancelable:!0});if(t.payload=e,window.dispatchEvent(t),!t.defaultPrevented)throw e}return r.then(t=>{for(let e of t||[])e.status===`rejected`&&i(e.reason);return e().catch(i)})},$=d({component:Ln,notFoundComponent:Vn}),Yn=c({getParentRoute:()=>$,path:`/`,component:Ye,validateSearch:e=>({q:R(e.q),sort:R(e.sort),view:R(e.view)})}),Xn=c({getParentRoute:()=>$,path:`/runs`,component:hn,validateSearch:Lt}),Zn=c({getParentRoute:()=>$,path:`/experiments/$experimentId`,component:gn,validateSearch:Lt}),Qn=c({getParentRoute:()=>$,path:`/runs/$runId`,component:m(()=>Jn(()=>import(`./RunPage.js`),__vite__mapDeps([0,1,2,3,4,5,6,7]),import.meta.url),`RunPage`),validateSearch:Cn}),$n=c({getParentRoute:()=>$,path:`/compare`,component:m(()=>Jn(()=>import(`./ComparePage.js`),__vite__mapDeps([8,1,2,5,6,9]),import.meta.url),`ComparePage`),validateSearch:oe}),er=c({getParentRoute:()=>$,path:`/models`,component:m(()=>Jn(()=>import(`./ModelsPage.js`),__vite__mapDeps([10,1,2,11]),import.meta.url),`ModelsPage`),validateSearch:xn}),tr=c({getParentRoute:()=>$,path:`/models/$name`,component:m(()=>Jn(()=>import(`./ModelPage.js`),__vite__mapDeps([12,1,2,10,11,3,4]),import.meta.url),`ModelPage`),validateSearch:Sn}),nr=$.addChildren([Yn,Xn,Zn,Qn,$n,er,tr]),rr=a({routeTree:nr,basepath:new URL(document.baseURI).pathname,parseSearch:re,stringifySearch:ie,defaultPreload:!1,defaultErrorComponent:Hn}),ir=document.getElementById(`root`);ir&&(0,S.createRoot)(ir).render((0,W.jsx)(C.StrictMode,{children:(0,W.jsx)(h,{value:M,children:(0,W.jsx)(v,{router:rr})})}));export{De as A,T as B,fe as C,Ee as D,ve as E,F,I,ee as L,pe as M,_e as N,Te as O,P,ne as R,xe as S,ge as T,Oe as _,He as a,se as b,V as c,B as d,Le as f,ye as g,le as h,Ue as i,he as j,Se as k,Be as l,be as m,xt as n,ze as o,Ie as p,K as r,Re as s,Xt as t,U as u,Ce as v,me as w,ce as x,we as y,O as z};