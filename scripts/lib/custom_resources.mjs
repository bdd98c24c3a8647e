// Validates custom resources, one JSON object a line on standard input, by the definitions that npm packages carry.
// Prints what is wrong and ends with 1. Usage: node custom_resources.mjs DIRECTORY_OF_NODE_MODULES

import { createInterface } from "node:readline";
import path from "node:path";
import { pathToFileURL } from "node:url";

// Where the package is behind: the version that it has, whose fields are the same as far as the charts use them.
const OLDER = {
  "external-secrets.io/v1/ExternalSecret": "external-secrets.io/v1beta1/ExternalSecret",
  "security.istio.io/v1/PeerAuthentication": "security.istio.io/v1beta1/PeerAuthentication",
};
const PACKAGES = {
  "cert-manager.io": "cert-manager",
  "external-secrets.io": "external-secrets",
  "gateway.networking.k8s.io": "gateway-api",
  "keda.sh": "keda",
  "monitoring.coreos.com": "prometheus-operator",
  "security.istio.io": "istio",
};

const root = path.join(process.argv[2], "@kubernetes-models");
let checked = 0;
let failed = 0;
for await (const line of createInterface({ input: process.stdin })) {
  const { apiVersion, kind, metadata, ...rest } = JSON.parse(line);
  const known = PACKAGES[apiVersion.split("/")[0]];
  if (known === undefined) {
    console.error(`${kind} ${metadata.name}: no definition of ${apiVersion} is at hand`);
    failed += 1;
    continue;
  }
  const name = OLDER[`${apiVersion}/${kind}`] ?? `${apiVersion}/${kind}`;
  const module = await import(pathToFileURL(path.join(root, known, `${name}.js`)));
  const Model = (module.default ?? module)[kind];
  checked += 1;
  try {
    new Model({ metadata, ...rest }).validate();
  } catch (error) {
    console.error(`${kind} ${metadata.name}: ${error.message}`);
    failed += 1;
  }
}
console.log(`${checked} custom resources validated, ${failed} wrong`);
process.exit(failed === 0 && checked > 0 ? 0 : 1);
