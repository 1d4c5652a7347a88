# What there is, by the names that the code has for it; tests/infra holds this to functions/queues/topology.py,
# functions/main.py and functions/settings.
locals {
  kinds      = ["docs", "code"] # of runs
  submitting = [for kind in local.kinds : "submit_${kind}"]
  topics     = toset(concat([for kind in local.kinds : "${kind}-requested"], ["github", "runs", "jobs", "lifecycle", "sweep"]))

  fed_by = merge(
    { for kind in local.kinds : "submit_${kind}" => "${kind}-requested" },
    {
      reconcile    = "runs"
      report       = "runs"
      job_finished = "jobs"
      sweep        = "sweep"
    },
    var.github == null ? {} : { github_event = "github" },
  )

  attempts     = 20
  attempts_of  = { github_event = 100 } # GitHub's rate limit is for up to an hour
  ack_deadline = 60
  backoff      = { minimum = "0.5s", maximum = "60s" }

  # Instances times concurrency is the most that a function asks of the API server at once: a request makes one call at
  # a time. github_webhook asks nothing of it.
  defaults = merge({ for name in local.submitting : name => { max_instances = 2, concurrency = 8, timeout = 60 } }, {
    reconcile      = { max_instances = 8, concurrency = 8, timeout = 60 }
    report         = { max_instances = 3, concurrency = 8, timeout = 60 }
    job_finished   = { max_instances = 4, concurrency = 8, timeout = 60 }
    sweep          = { max_instances = 2, concurrency = 2, timeout = 540 }
    github_webhook = { max_instances = 5, concurrency = 40, timeout = 60 }
    github_event   = { max_instances = 2, concurrency = 8, timeout = 60 }
  })
  github_functions = ["github_event", "github_webhook"]
  functions = {
    for name, given in local.defaults : name => {
      service       = "${var.prefix}${replace(name, "_", "-")}"
      memory        = coalesce(try(var.functions[name].memory, null), "512Mi")
      cpu           = coalesce(try(var.functions[name].cpu, null), "1")
      concurrency   = coalesce(try(var.functions[name].concurrency, null), given.concurrency)
      min_instances = coalesce(try(var.functions[name].min_instances, null), 0)
      max_instances = coalesce(try(var.functions[name].max_instances, null), given.max_instances)
      timeout       = coalesce(try(var.functions[name].timeout, null), given.timeout)
    } if var.github != null || !contains(local.github_functions, name)
  }
  asking = sum([for name, each in local.functions : each.max_instances * each.concurrency if name != "github_webhook"])

  # Sections of the settings that are an installation's own choice, but for the keys that are secret or set from here.
  own_choice = ["access", "console", "github", "job", "limits", "model", "models", "observability", "permissions", "retention", "secrets", "telemetry", "tools"]
  not_plain  = ["github.app_id", "github.private_key", "github.private_key_file", "github.webhook_secrets", "observability.otlp_headers"]

  labels = merge({ part-of = "orchestrator" }, var.labels)
}
