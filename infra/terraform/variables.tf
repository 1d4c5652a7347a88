variable "project_id" {
  description = "Google Cloud project of everything here."
  type        = string
  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project_id))
    error_message = "project_id must be the id of a project (not its name or number)."
  }
}

variable "region" {
  description = "Region of the functions, their images and buckets; best the cluster's."
  type        = string
  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "region must be a region, as europe-west4 (not a zone)."
  }
}

variable "prefix" {
  description = "Begins every name, so that several installations can share a project."
  type        = string
  default     = "orchestrator-"
  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,15}-$", var.prefix))
    error_message = "prefix must be lower-case letters, digits and hyphens, end with a hyphen, and have at most 17 characters."
  }
}

variable "cluster" {
  description = <<-EOT
    The GKE cluster that runs live on, and the namespace in it. endpoint is the host of its API server. With the DNS
    endpoint (gcloud container clusters describe NAME --format='value(controlPlaneEndpointsConfig.dnsEndpointConfig.endpoint)')
    no network needs to be shared and ca_certificate stays null; with an IP address, ca_certificate is
    masterAuth.clusterCaCertificate (base64).
  EOT
  type = object({
    name           = string
    location       = string
    endpoint       = string
    ca_certificate = optional(string)
    namespace      = optional(string, "orchestrator")
  })
  validation {
    condition     = can(regex("^[A-Za-z0-9.-]+(:[0-9]+)?$", var.cluster.endpoint))
    error_message = "cluster.endpoint must be a host name or an IP address, without https://."
  }
  validation {
    condition     = var.cluster.ca_certificate == null || can(base64decode(var.cluster.ca_certificate))
    error_message = "cluster.ca_certificate must be in base64, as gcloud shows it."
  }
  validation {
    condition     = var.cluster.ca_certificate != null || !can(regex("^[0-9.]+(:[0-9]+)?$", var.cluster.endpoint))
    error_message = "cluster.ca_certificate is needed with an IP address; only the DNS endpoint has a certificate that everybody trusts."
  }
  validation {
    condition     = can(regex("^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$", var.cluster.namespace))
    error_message = "cluster.namespace must be the name of a namespace."
  }
}

variable "image" {
  description = <<-EOT
    The image of the functions (infra/images/orchestrator), by its digest: REPOSITORY@sha256:DIGEST. Cloud Run pulls from
    Artifact Registry and Docker Hub only; copy a release from elsewhere to the repository of the output images. null only
    for a first apply with -target, before the image is pushed.
  EOT
  type        = string
  default     = null
  validation {
    condition     = var.image == null || can(regex("^[A-Za-z0-9.-]+(:[0-9]+)?(/[a-z0-9]+([._-]+[a-z0-9]+)*)+@sha256:[0-9a-f]{64}$", var.image))
    error_message = "image must be REGISTRY/REPOSITORY@sha256:DIGEST, without a tag: a digest says what runs, a tag can be moved."
  }
}

variable "agent" {
  description = "The image agents run in (infra/images/agent): its repository without the tag, and the tag."
  type = object({
    image        = string
    tag          = string
    pull_policy  = optional(string, "IfNotPresent")
    pull_secrets = optional(list(string), [])
  })
  validation {
    condition     = can(regex("^(([A-Za-z0-9][A-Za-z0-9.-]*|\\[[0-9A-Fa-f:]+\\])(:[0-9]+)?/)?[a-z0-9]+([._-]+[a-z0-9]+)*(/[a-z0-9]+([._-]+[a-z0-9]+)*)*$", var.agent.image)) && var.agent.tag != "latest" && can(regex("^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}(@sha256:[0-9a-f]{64})?$", var.agent.tag))
    error_message = "agent.image must be the repository of an image in lower case, without tag or digest, and agent.tag a tag (TAG or TAG@sha256:DIGEST); one other than latest says what runs."
  }
  validation {
    condition     = contains(["Always", "IfNotPresent", "Never"], var.agent.pull_policy) && alltrue([for each in var.agent.pull_secrets : can(regex("^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$", each))])
    error_message = "agent.pull_policy must be Always, IfNotPresent or Never, and agent.pull_secrets be names that a Kubernetes Secret can have."
  }
}

variable "settings" {
  description = "Further sections of the settings file (functions/settings/), as {limits = {runs = 50}}. The functions check them when they start."
  type        = any
  default     = {}
  validation {
    condition     = can(keys(var.settings)) && length(setsubtract(try(keys(var.settings), []), local.own_choice)) == 0
    error_message = "settings may have the sections ${join(", ", local.own_choice)}; the others are set by variables of their own."
  }
  validation {
    condition     = length(setintersection(local.not_plain, flatten([for section, each in var.settings : [for key in try(keys(each), []) : "${section}.${key}"]]))) == 0
    error_message = "settings may not have ${join(", ", local.not_plain)}: they are secret, or set by the variable github."
  }
}

variable "templates" {
  description = "Directory of the templates; null: templates/ of this repository. A change needs an apply, and no new image."
  type        = string
  default     = null
}

variable "submitters" {
  description = "Who may call submit_docs and submit_code: IAM members, as group:platform@example.com."
  type        = set(string)
  default     = []
  validation {
    condition     = alltrue([for each in var.submitters : can(regex("^(user|group|serviceAccount|domain|principal|principalSet):", each))])
    error_message = "submitters must be IAM members of named people or accounts; everybody (allUsers, allAuthenticatedUsers) is refused."
  }
}

variable "github" {
  description = <<-EOT
    The GitHub App that the installation works as; null: no GitHub. The versions are those of the secrets
    PREFIXgithub-private-key and PREFIXgithub-webhook-secrets (a JSON list); a rotation raises them.
  EOT
  type = object({
    app_id                  = number
    private_key_version     = optional(number, 1)
    webhook_secrets_version = optional(number, 1)
  })
  default = null
  validation {
    condition     = alltrue([for each in values(coalesce(var.github, {})) : each > 0 && floor(each) == each])
    error_message = "github.app_id and the versions must be positive whole numbers."
  }
}

variable "agent_secrets" {
  description = "Secrets of agents that External Secrets copies to the cluster: claude-api-key, github-ssh-LOGIN, github-app-AGENT. Values are never given here."
  type        = set(string)
  default     = ["claude-api-key"]
  validation {
    condition     = alltrue([for each in var.agent_secrets : can(regex("^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$", each))])
    error_message = "agent_secrets must be names that a Kubernetes Secret can have."
  }
}
