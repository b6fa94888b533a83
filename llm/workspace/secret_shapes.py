"""The shapes of credentials: each is its issuer's documented or widely scanned-for form.

Kind → (hints in lower case, one of which any match holds; the shape). A group `secret` is the credential itself
where the shape needs what stands around it; what `secret` or `password` hold must not be a placeholder.
"""

from __future__ import annotations

from collections.abc import Mapping

Shape = tuple[tuple[str, ...], str]

_CODE_HOSTS: Mapping[str, Shape] = {
    "GitHub token": (("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), r"\bgh[pousr]_[A-Za-z0-9]{36,255}\b"),
    "GitHub fine-grained token": (("github_pat_",), r"\bgithub_pat_[A-Za-z0-9_]{60,255}\b"),
    "GitLab token": (("gl",), r"\bgl(?:pat|ptt|dt|rt|cbt|soat|agent|imt|ft|rtr|oas)-[A-Za-z0-9_\-]{20,}"),
    "GitLab runner token": (("gr1348941",), r"\bGR1348941[A-Za-z0-9_\-]{20,}"),
    "Atlassian token": (("atatt3", "atctt3"), r"\bAT[AC]TT3[A-Za-z0-9_\-=]{60,}"),
    "Artifactory token": (
        ("akc", "ap"),
        r"(?<![A-Za-z0-9+/])(?:AKC[A-Za-z0-9]{10,}|AP\d[A-Za-z0-9]{8,})(?![A-Za-z0-9/+])",
    ),
    "npm token": (("npm_",), r"\bnpm_[A-Za-z0-9]{36}\b"),
    "npm registry password": (
        ("_authtoken", "_password"),
        r":_(?:authToken|password)\s?=\s?(?P<secret>[^\s${'\"]{16,})",
    ),
    "PyPI token": (("pypi-",), r"\bpypi-[A-Za-z0-9_\-]{50,}"),
    "RubyGems key": (("rubygems_",), r"\brubygems_[a-f0-9]{48}\b"),
    "crates.io token": (("cio",), r"\bcio[A-Za-z0-9]{32}\b"),
    "NuGet key": (("oy2",), r"\boy2[a-z0-9]{43}\b"),
    "Docker Hub token": (("dckr_",), r"\bdckr_[po]at_[A-Za-z0-9_\-]{20,}"),
}
_CLOUDS: Mapping[str, Shape] = {
    "AWS access key": (
        ("akia", "asia", "abia", "acca", "a3t"),
        r"\b(?:AKIA|ASIA|ABIA|ACCA|A3T[A-Z0-9])[A-Z0-9]{16}\b",
    ),
    "AWS secret key": (
        ("secret",),
        r"(?i:aws_?secret(?:_access)?_?key\W{1,5})[A-Za-z0-9/+=]{40}(?![A-Za-z0-9/+=])",
    ),
    "AWS Bedrock key": (("absk",), r"\bABSK[A-Za-z0-9+/]{90,}={0,2}"),
    "Azure storage key": (("accountkey=",), r"(?i:AccountKey=)[A-Za-z0-9+/]{86}=="),
    "Azure shared access key": (("sharedaccesskey=",), r"(?i:SharedAccessKey=)[A-Za-z0-9+/]{43}="),
    "Azure signature": (("sig=",), r"[?&]sig=[A-Za-z0-9%]{40,}"),
    "Azure client secret": (("8q~",), r"(?<![\w.~-])[A-Za-z0-9_~.]{3}8Q~[A-Za-z0-9_~.\-]{31,34}(?![\w.~-])"),
    "Google API key": (("aiza",), r"\bAIza[A-Za-z0-9_\-]{35}(?![A-Za-z0-9_\-])"),
    "Google OAuth secret": (("gocspx-",), r"\bGOCSPX-[A-Za-z0-9_\-]{20,}"),
    "Google OAuth token": (("ya29.",), r"\bya29\.[A-Za-z0-9_\-]{20,}"),
    "DigitalOcean token": (("_v1_",), r"\bdo[opr]_v1_[a-f0-9]{64}\b"),
    "Cloudflare key": (("v1.0-",), r"\bv1\.0-[a-f0-9]{24}-[a-f0-9]{146}\b"),
    "Heroku key": (("hrku-",), r"\bHRKU-[A-Za-z0-9_\-]{36,}"),
    "Netlify token": (("nfp_",), r"\bnfp_[A-Za-z0-9]{36,}\b"),
    "PlanetScale token": (("pscale_",), r"\bpscale_(?:tkn|pw|oauth)_[A-Za-z0-9_.\-]{32,}"),
    "Supabase key": (("sbp_", "sb_secret_"), r"\b(?:sbp_[a-f0-9]{40}|sb_secret_[A-Za-z0-9_\-]{20,})"),
    "Databricks token": (("dapi",), r"\bdapi[a-f0-9]{32}\b"),
    "HashiCorp Vault token": (("hvs.", "hvb."), r"\bhv[sb]\.[A-Za-z0-9_\-]{24,}"),
    "Terraform Cloud token": ((".atlasv1.",), r"\b[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_\-]{60,}"),
    "Pulumi token": (("pul-",), r"\bpul-[a-f0-9]{40}\b"),
    "Doppler token": (("dp.",), r"\bdp\.(?:pt|st|ct|sa|scim|audit)\.[A-Za-z0-9._\-]{40,}"),
}
_MODELS: Mapping[str, Shape] = {
    "Anthropic key": (("sk-ant-",), r"\bsk-ant-[A-Za-z0-9_\-]{20,}"),
    "OpenRouter key": (("sk-or-",), r"\bsk-or-v1-[a-f0-9]{64}\b"),
    "OpenAI key": (
        ("sk-",),
        r"\bsk-(?!ant-|or-)(?:(?:proj|svcacct|admin|None)-[A-Za-z0-9_\-]{20,}|[A-Za-z0-9]{32,}"
        r"|[A-Za-z0-9_\-]{1,60}T3BlbkFJ[A-Za-z0-9_\-]{20,})",
    ),
    "Groq key": (("gsk_",), r"\bgsk_[A-Za-z0-9]{40,}\b"),
    "xAI key": (("xai-",), r"\bxai-[A-Za-z0-9]{60,}\b"),
    "Perplexity key": (("pplx-",), r"\bpplx-[A-Za-z0-9]{40,}\b"),
    "Replicate token": (("r8_",), r"\br8_[A-Za-z0-9]{37}\b"),
    "Hugging Face token": (("hf_",), r"\bhf_[A-Za-z]{30,}\b"),
}
_SERVICES: Mapping[str, Shape] = {
    "Slack token": (("xox",), r"\bxox[abeoprs]-[A-Za-z0-9\-]{10,}"),
    "Slack app token": (("xapp-",), r"\bxapp-\d-[A-Z0-9]+-\d+-[a-z0-9]+"),
    "Slack webhook": (("hooks.slack.com",), r"hooks\.slack\.com/(?:services|workflows)/[A-Za-z0-9/_]{20,}"),
    "Teams webhook": (("webhook.office.com",), r"\.webhook\.office\.com/webhookb2/[A-Za-z0-9@/\-]{60,}"),
    "Discord webhook": (("api/webhooks",), r"discord(?:app)?\.com/api/webhooks/\d{10,}/[A-Za-z0-9_\-]{40,}"),
    "Discord bot token": (
        (".",),
        r"(?<![\w.\-])[MNO][A-Za-z\d_\-]{23,25}\.[A-Za-z\d_\-]{6}\.[A-Za-z\d_\-]{27,38}(?![\w.\-])",
    ),
    "Telegram bot token": ((":aa",), r"\b\d{8,10}:AA[A-Za-z0-9_\-]{33}\b"),
    "Stripe key": (("k_live_", "k_test_"), r"\b(?:sk|rk)_(?:live|test)_[A-Za-z0-9]{16,}"),
    "Stripe webhook secret": (("whsec_",), r"\bwhsec_[A-Za-z0-9+/]{24,}"),
    "Square token": (("sq0", "eaaa"), r"\b(?:sq0(?:csp|atp|idp)-[A-Za-z0-9_\-]{22,43}|EAAA[A-Za-z0-9_\-]{60})"),
    "Shopify token": (("shp",), r"\bshp(?:at|ca|pa|ss)_[A-Fa-f0-9]{32}\b"),
    "SendGrid key": (("sg.",), r"\bSG\.[A-Za-z0-9_\-]{16,}\.[A-Za-z0-9_\-]{32,}"),
    "Mailgun key": (("key-",), r"\bkey-[0-9a-f]{32}\b"),
    "Mailchimp key": (("-us",), r"\b[0-9a-f]{32}-us\d{1,2}\b"),
    "Twilio key": (("sk",), r"\bSK[0-9a-f]{32}\b"),
    "Notion token": (("secret_", "ntn_"), r"\b(?:secret_[A-Za-z0-9]{43}|ntn_[A-Za-z0-9]{40,})\b"),
    "Linear key": (("lin_",), r"\blin_(?:api|oauth)_[A-Za-z0-9]{40,64}\b"),
    "Figma token": (("figd_",), r"\bfigd_[A-Za-z0-9_\-]{36,}"),
    "Airtable token": (("pat",), r"\bpat[A-Za-z0-9]{14}\.[a-f0-9]{64}\b"),
    "Postman key": (("pmak-",), r"\bPMAK-[a-f0-9]{24}-[a-f0-9]{34}\b"),
    "Grafana token": (("glsa_", "glc_"), r"\b(?:glsa_[A-Za-z0-9]{32}_[a-f0-9]{8}|glc_[A-Za-z0-9+/]{32,}={0,2})"),
    "New Relic key": (("nrak-",), r"\bNRAK-[A-Z0-9]{27}\b"),
    "Sentry token": (("sntry",), r"\bsntry(?:s_[A-Za-z0-9+/=_]{40,}|u_[a-f0-9]{64})"),
}
_BETWEEN = r"(?:\\+[nr]|[\s\"'+,>|#;*]|b(?=\")|[A-Z][\w-]{1,40}: [^\n\\]{0,100}){1,400}"
"""What stands between the lines of a private key."""
_ANYWHERE: Mapping[str, Shape] = {
    "JSON web token": (("eyj",), r"\beyJ[A-Za-z0-9_\-]{8,}\.eyJ[A-Za-z0-9_\-]{8,}(?:\.[A-Za-z0-9_\-]{8,})?"),
    "private key": (
        ("private key-----", "private key block-----"),
        # its lines as they are, or quoted, escaped, indented, in a comment; a marker alone is no key
        r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----(?=[ \t\r]*\n|\\)"
        rf"{_BETWEEN}[A-Za-z0-9+/=]{{4,}}(?:{_BETWEEN}[A-Za-z0-9+/=]{{16,}})*"
        r"(?:[\s\S]{0,200}?-----END (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----)?",
    ),
    "PuTTY private key": (
        ("putty-user-key-file-",),
        r"PuTTY-User-Key-File-\d: (?:(?!PuTTY-)[\s\S]){0,8192}?Private-MAC: \w+",
    ),
    "age key": (("age-secret-key-1",), r"\bAGE-SECRET-KEY-1[0-9A-Z]{58}\b"),
    "password in a URL": (("://",), r"://[^\s:/@'\"{}$<]{0,64}:(?P<password>[^\s:/@'\"{}$<]{6,128})@[\w.\-]+"),
    "authorization header": (
        ("authorization",),
        r"(?i:\bauthorization['\"]?\s?[:=,]\s?[bf]?['\"]?(?:bearer|basic|token)\s)(?P<secret>[\w.~+/\-]{16,}={0,2})",
    ),
}
SHAPES: Mapping[str, Shape] = {**_CODE_HOSTS, **_CLOUDS, **_MODELS, **_SERVICES, **_ANYWHERE}
