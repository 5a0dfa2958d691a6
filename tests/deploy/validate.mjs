// node validate.mjs FILE: checks Kubernetes objects (a JSON array) against the API's schemas; says what is wrong, exits with 1.
import { readFileSync } from "node:fs";

const packages = ["kubernetes-models", "@kubernetes-models/prometheus-operator"];

async function model(object) {
  for (const name of packages) {
    try {
      // "apps/v1" and "v1" alike are paths inside the package.
      return (await import(`${name}/${object.apiVersion}/${object.kind}`))[object.kind];
    } catch (error) {
      if (!["ERR_PACKAGE_PATH_NOT_EXPORTED", "ERR_MODULE_NOT_FOUND"].includes(error.code)) throw error;
    }
  }
  throw new Error(`no schema of ${object.apiVersion} ${object.kind}`);
}

let failed = false;
for (const object of JSON.parse(readFileSync(process.argv[2], "utf8"))) {
  try {
    const Model = await model(object);
    new Model(object).validate();
  } catch (error) {
    failed = true;
    console.error(`${object.kind} ${object.metadata?.name}: ${error.message}`);
  }
}
process.exit(failed ? 1 : 0);
