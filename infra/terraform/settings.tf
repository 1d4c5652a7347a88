# The one configuration of the functions, as environment variables: a change of any is a revision, complete or not at all.
locals {
  mount      = "/config"
  kubeconfig = "kubeconfig/${sha256(local.kubeconfig_text)}.json"

  # An address and a certificate: whom the API server sees is the service account that the function works as.
  # As JSON, which is YAML: a function then loads no parser before its first answer.
  kubeconfig_text = jsonencode({
    apiVersion      = "v1"
    kind            = "Config"
    current-context = "gke"
    contexts        = [{ name = "gke", context = { cluster = "gke", user = "functions", namespace = var.cluster.namespace } }]
    users           = [{ name = "functions", user = {} }]
    clusters = [{
      name = "gke"
      cluster = merge(
        { server = "https://${var.cluster.endpoint}" },
        var.cluster.ca_certificate == null ? {} : { certificate-authority-data = var.cluster.ca_certificate },
      )
    }]
  })

  settings = merge(
    { for section, value in var.settings : section => jsonencode(value) if section != "github" },
    # Key by key, so that the App's own come beside them.
    { for key, value in try(var.settings.github, {}) : "github__${key}" => try(tostring(value), jsonencode(value)) },
    {
      namespace = var.cluster.namespace
      templates = "${local.mount}/${local.templates}"
      agent     = jsonencode(var.agent)
      broker    = jsonencode(local.broker)
      auth      = jsonencode({ mode = "iam" })
      cluster   = jsonencode({ kubeconfig = "${local.mount}/${local.kubeconfig}", identity = "google" })
      queues    = jsonencode({ project = var.project_id, prefix = var.prefix })
    },
  )
  # The broker beside each agent runs from the image of the functions. The digest decides; a tag is only there for its form.
  broker = {
    image = split("@", coalesce(var.image, "image-not-pushed@"))[0]
    tag   = var.image == null ? "none" : "released@${split("@", var.image)[1]}"
  }

  environment = { for key, value in local.settings : "ORCHESTRATOR_${upper(key)}" => value }

  # The App is for those who call GitHub. The webhook, which everybody may call, only knows deliveries by their secrets.
  app_users = var.github == null ? [] : ["github_event", "job_finished", "reconcile", "report", "sweep"]
  app_environment = var.github == null ? {} : {
    ORCHESTRATOR_GITHUB__APP_ID           = tostring(var.github.app_id)
    ORCHESTRATOR_GITHUB__PRIVATE_KEY_FILE = "${local.app_mount}/private-key"
  }
  app_mount = "/secrets/github"
}
