"""The shapes of credentials: each is its issuer's documented or widely scanned-for form.

Kind → (hints in lower case, one of which any match holds; the shape). A group `secret` is the credential itself
where the shape needs what stands around it; what `secret` or `password` hold must not be a placeholder.
"""

from __future__ import annotations

from collections.abc import Mapping

Shape = tuple[tuple[str, ...], str]

_CODE_HOSTS: Mapping[str, Shape] = {
    "GitHub token": (
        ("ghp_", "gho_", "ghu_", "ghs_", "ghr_"),
        r"\b(?:gh[pousr]_[A-Za-z0-9]{36,255}\b|ghs_(?:\d{1,12}_)?eyJ[\w\-]{8,}\.[\w\-]{8,}\.[\w\-]{8,})",
    ),
    "GitHub fine-grained token": (("github_pat_",), r"\bgithub_pat_[A-Za-z0-9_]{60,255}\b"),
    "GitLab token": (
        ("gl",),
        r"\bgl(?:pat|ptt|dt|rt|cbt|soat|agent|imt|ft|ffct|rtr|oas|wt)-[A-Za-z0-9_\-]{20,}(?:\.\w{2}\.\w{7,9}\b)?",
    ),
    "GitLab runner token": (("gr1348941",), r"\bGR1348941[A-Za-z0-9_\-]{20,}"),
    "Atlassian token": (("tt3", "atbb"), r"\b(?:AT[ACS]TT3[A-Za-z0-9_\-=]{60,}|ATBB[A-Za-z0-9]{32}\b)"),
    "Artifactory token": (
        ("akc", "ap", "cmvmdgtu"),
        r"(?<![A-Za-z0-9+/])(?:AKC[A-Za-z0-9]{10,}|AP\d[A-Za-z0-9]{8,}|cmVmdGtu[A-Za-z0-9]{50,})(?![A-Za-z0-9/+])",
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
    "Azure key": (
        ("azdo", "acdb", "azse", "azfu", "azsa", "+acr", "+amc", "+asb"),
        r"(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{42,76}(?:AZDO|ACDb|AzSe|AzFu|AzSa|\+ACR|\+AMC|\+ASb)[A-Za-z0-9+/]{4,8}"
        r"(?:={1,2}|(?![A-Za-z0-9+/]))",
    ),
    "Azure client secret": (("8q~",), r"(?<![\w.~-])[A-Za-z0-9_~.]{3}8Q~[A-Za-z0-9_~.\-]{31,34}(?![\w.~-])"),
    "Google API key": (("aiza",), r"\bAIza[A-Za-z0-9_\-]{35}(?![A-Za-z0-9_\-])"),
    "Google OAuth secret": (("gocspx-",), r"\bGOCSPX-[A-Za-z0-9_\-]{20,}"),
    "Google OAuth token": (("ya29.",), r"\bya29\.[A-Za-z0-9_\-]{20,}"),
    "Google refresh token": (("1//0",), r"(?<![\w/])1//0[A-Za-z0-9_\-]{30,}"),
    "Google storage key": (("goog1",), r"\bGOOG1[A-Z0-9]{50,60}\b"),
    "Alibaba access key": (("ltai",), r"\bLTAI[A-Za-z0-9]{20}\b"),
    "Fly.io token": (("fm2_", "fo1_"), r"\b(?:fm2_[A-Za-z0-9+/=]{60,}|fo1_[A-Za-z0-9_\-]{43})"),
    "OpenShift token": (("sha256~",), r"\bsha256~[A-Za-z0-9_\-]{43}(?![\w\-])"),
    "Render key": (("rnd_",), r"\brnd_[A-Za-z0-9]{28,}\b"),
    "Vercel token": (("vcp_", "vca_", "vci_"), r"\bvc[pai]_[A-Za-z0-9]{40,}\b"),
    "Aiven password": (("avns_",), r"\bAVNS_[A-Za-z0-9_\-]{18,}"),
    "Neon key": (("napi_",), r"\bnapi_[a-z0-9]{60,}\b"),
    "MongoDB Atlas secret": (("mdb_sa_sk_",), r"\bmdb_sa_sk_[A-Za-z0-9_\-]{36,}"),
    "Tailscale key": (("tskey-",), r"\btskey-[a-z]{2,10}-[A-Za-z0-9]{10,}-[A-Za-z0-9]{20,}"),
    "1Password token": (("ops_eyj",), r"\bops_eyJ[A-Za-z0-9_\-+/=]{80,}"),
    "DigitalOcean token": (("_v1_",), r"\bdo[opr]_v1_[a-f0-9]{64}\b"),
    "Cloudflare key": (("v1.0-",), r"\bv1\.0-[a-f0-9]{24}-[a-f0-9]{146}\b"),
    "Heroku key": (("hrku-",), r"\bHRKU-[A-Za-z0-9_\-]{36,}"),
    "Netlify token": (("nfp_",), r"\bnfp_[A-Za-z0-9]{36,}\b"),
    "PlanetScale token": (("pscale_",), r"\bpscale_(?:tkn|pw|oauth)_[A-Za-z0-9_.\-]{32,}"),
    "Supabase key": (("sbp_", "sb_secret_"), r"\b(?:sbp_[a-f0-9]{40}|sb_secret_[A-Za-z0-9_\-]{20,})"),
    "Databricks token": (("dapi",), r"\bdapi[a-f0-9]{32}(?:-\d)?\b"),
    "HashiCorp Vault token": (("hvs.", "hvb.", "hvr."), r"\bhv[sbr]\.[A-Za-z0-9_\-]{24,}"),
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
    "Hugging Face token": (
        ("hf_", "api_org_"),
        r"\b(?:hf_|api_org_)(?:[A-Za-z]{30,}|(?=\w{0,40}?\d)(?=\w{0,40}?[A-Z])[A-Za-z0-9]{34,40})\b",
    ),
    "NVIDIA key": (("nvapi-",), r"\bnvapi-[A-Za-z0-9_\-]{60,}"),
    "LangSmith key": (("lsv2_",), r"\blsv2_(?:pt|sk)_[a-f0-9]{32}_[a-f0-9]{10}\b"),
    "Langfuse key": (("sk-lf-",), r"\bsk-lf-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"),
    "Pinecone key": (("pcsk_",), r"\bpcsk_[A-Za-z0-9]{4,8}_[A-Za-z0-9]{40,}\b"),
    "Tavily key": (("tvly-",), r"\btvly-(?:(?:dev|prod)-)?[A-Za-z0-9\-]{30,}"),
    "Cerebras key": (("csk-",), r"\bcsk-[a-z0-9]{40,}\b"),
    "ElevenLabs key": (("sk_",), r"\bsk_[a-f0-9]{48}\b"),
    "Weights & Biases key": (("wandb_v1_",), r"\bwandb_v1_[A-Za-z0-9_]{40,}"),
}
_SERVICES: Mapping[str, Shape] = {
    "Slack token": (("xox",), r"\bxox[abcdeoprs]-[A-Za-z0-9\-%/+]{10,}"),
    "Slack app token": (("xapp-",), r"\bxapp-\d-[A-Z0-9]+-\d+-[a-z0-9]+"),
    "Slack webhook": (
        ("hooks.slack.com",),
        r"hooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9/_]{20,}",
    ),
    "Teams webhook": (("webhook.office.com",), r"\.webhook\.office\.com/webhookb2/[A-Za-z0-9@/\-]{60,}"),
    "Discord webhook": (
        ("/webhooks/",),
        r"discord(?:app)?\.com/api/(?:v\d\d?/)?webhooks/\d{10,}/[A-Za-z0-9_\-]{40,}",
    ),
    "Discord bot token": (
        (".",),
        r"[MNO](?<![\w.\-].)[A-Za-z\d_\-]{23,25}\.[A-Za-z\d_\-]{6}\.[A-Za-z\d_\-]{27,38}(?![\w.\-])",
    ),
    "Discord user token": (("mfa.",), r"\bmfa\.[\w\-]{84}(?![\w\-])"),
    "Telegram bot token": ((":aa",), r"(?<![A-Za-z0-9:])(?:bot)?\d{8,10}:AA[A-Za-z0-9_\-]{33}(?![\w\-])"),
    "Stripe key": (("k_live_", "k_test_", "k_prod_"), r"\b(?:sk|rk)_(?:live|test|prod)_[A-Za-z0-9]{16,}"),
    "Stripe webhook secret": (("whsec_",), r"\bwhsec_[A-Za-z0-9+/]{24,}"),
    "Square token": (("sq0", "eaaa"), r"\b(?:sq0(?:csp|atp|idp)-[A-Za-z0-9_\-]{22,43}|EAAA[A-Za-z0-9_\-]{60})"),
    "Shopify token": (("shp",), r"\bshp(?:at|ca|pa|ss|tka)_[A-Fa-f0-9]{32}\b"),
    "SendGrid key": (("sg.",), r"\bSG\.[A-Za-z0-9_\-]{16,}\.[A-Za-z0-9_\-]{32,}"),
    "Mailgun key": (("key-", "-"), r"\b(?:key-[0-9a-f]{32}|[0-9a-f]{32}-[0-9a-f]{8}-[0-9a-f]{8})\b(?!-)"),
    "Mailchimp key": (("-us",), r"\b[0-9a-f]{32}-us\d{1,2}\b"),
    "Twilio key": (("sk",), r"\bSK[0-9a-f]{32}\b"),
    "Twilio auth token": (
        ("ac",),
        r"\bAC[0-9a-f]{32}['\"]?\s?[,:]\s?['\"]?[0-9a-f]{32}\b",
    ),
    "Notion token": (("secret_", "ntn_"), r"\b(?:secret_[A-Za-z0-9]{43}|ntn_[A-Za-z0-9]{40,})\b"),
    "Linear key": (("lin_",), r"\blin_(?:api|oauth)_[A-Za-z0-9]{40,64}\b"),
    "Figma token": (("figd_",), r"\bfigd_[A-Za-z0-9_\-]{36,}"),
    "Airtable token": (("pat",), r"\bpat[A-Za-z0-9]{14}\.[a-f0-9]{64}\b"),
    "Postman key": (("pmak-",), r"\bPMAK-[a-f0-9]{24}-[a-f0-9]{34}\b"),
    "Grafana token": (("glsa_", "glc_"), r"\b(?:glsa_[A-Za-z0-9]{32}_[a-f0-9]{8}|glc_[A-Za-z0-9+/]{32,}={0,2})"),
    "New Relic key": (("nrak-",), r"\bNRAK-[A-Z0-9]{27}\b"),
    "Sentry token": (("sntry",), r"\bsntry(?:s_[A-Za-z0-9+/=_]{40,}|u_[a-f0-9]{64})"),
    "Sonar token": (("sqp_", "squ_", "sqa_"), r"\bsq[pua]_[a-f0-9]{40}\b"),
    "CircleCI token": (("ccipat_", "cciprj_"), r"\bCCI(?:PAT|PRJ)_[A-Za-z0-9]{22}_[a-f0-9]{40}\b"),
    "Buildkite token": (("bkua_", "bkpt_"), r"\bbk(?:ua|pt)_[a-f0-9]{40}\b"),
    "Sourcegraph token": (("sgp_",), r"\bsgp_(?:[a-z0-9]{5,16}_)?[a-f0-9]{40}\b"),
    "Dynatrace token": (("dt0",), r"\bdt0[a-z]\d\d\.[A-Z0-9]{24}\.[A-Z0-9]{64}\b"),
    "PostHog key": (("phx_",), r"\bphx_[A-Za-z0-9]{40,}\b"),
    "Prefect key": (("pnu_", "pnb_"), r"\bpn[ub]_[A-Za-z0-9]{36}\b"),
    "Okta token": (("ssws ",), r"\bSSWS (?P<secret>[A-Za-z0-9_\-]{40,})"),
    "Mapbox key": (("k.eyj",), r"\b[st]k\.eyJ[A-Za-z0-9_\-]{40,}\.[A-Za-z0-9_\-]{20,}"),
    "Facebook token": (("eaa",), r"\bEAA[A-Za-z0-9]{90,}\b"),
    "HubSpot token": (("pat-",), r"\bpat-[a-z]{2}\d-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"),
    "Brevo key": (("xkeysib-", "xsmtpsib-"), r"\bx(?:key|smtp)sib-[a-f0-9]{64}-[A-Za-z0-9]{16}\b"),
    "Resend key": (("re_",), r"\bre_[A-Za-z0-9]{8}_[A-Za-z0-9]{24}\b"),
    "Typeform token": (("tfp_",), r"\btfp_[A-Za-z0-9_\-.]{40,}"),
    "ReadMe key": (("rdme_",), r"\brdme_[a-z0-9]{70}\b"),
    "LaunchDarkly key": (("sdk-", "api-"), r"\b(?:sdk|api)-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"),
    "Octopus key": (("api-",), r"\bAPI-(?=[A-Z]*\d)[A-Z0-9]{26,32}\b"),
    "Contentful token": (("cfpat-",), r"\bCFPAT-[A-Za-z0-9_\-]{43}"),
    "EasyPost key": (("ezak", "eztk"), r"\bEZ[AT]K[A-Za-z0-9]{54}\b"),
    "Duffel token": (("duffel_",), r"\bduffel_(?:live|test)_[A-Za-z0-9_\-]{40,}"),
    "Clojars token": (("clojars_",), r"(?i:\bclojars_)[a-f0-9]{60}\b"),
    "Dropbox token": (("sl.",), r"(?<![\w.])sl\.(?:u\.)?[A-Za-z0-9_\-]{120,}"),
    "Yandex key": (("aqvn",), r"\bAQVN[A-Za-z0-9_\-]{35,38}(?![\w\-])"),
    "Braintree token": (("access_token$",), r"access_token\$(?:production|sandbox)\$[a-z0-9]{16}\$[a-f0-9]{32}"),
    "Plaid token": (
        ("access-",),
        r"\baccess-(?:production|sandbox|development)-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b",
    ),
    "Apify token": (("apify_api_",), r"\bapify_api_[A-Za-z0-9]{30,}\b"),
    "E2B key": (("e2b_",), r"\be2b_[a-f0-9]{40}\b"),
    "Shippo token": (("shippo_",), r"\bshippo_(?:live|test)_[a-f0-9]{40}\b"),
    "Polar token": (("polar_",), r"\bpolar_(?:oat|pat)_[A-Za-z0-9]{40,}\b"),
    "Inngest key": (("signkey-",), r"\bsignkey-[a-z]{2,10}-[a-f0-9]{64}\b"),
}
_BETWEEN = r"(?:\\+[nr]|[\s\"'+,>|#;*]|b(?=\")|//+ |[A-Z][\w-]{1,40}: [^\n\\]{0,100}){1,400}"
"""What stands between the lines of a private key."""
_KIND = r"(?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?"
_INSIDE = r"(?:(?!-----|---- )[\s\S]){0,16384}"
_ANYWHERE: Mapping[str, Shape] = {
    "JSON web token": (("eyj",), r"\beyJ[A-Za-z0-9_\-]{8,}\.eyJ[A-Za-z0-9_\-]{8,}(?:\.[A-Za-z0-9_\-]{8,})?"),
    "encrypted web token": (("eyj",), r"\beyJ[\w\-]{16,}\.[\w\-]{0,1024}\.[\w\-]{10,32}\.[\w\-]{8,}\.[\w\-]{16,}"),
    "encoded private key": (
        ("ls0tls1crudjti",),
        r"LS0tLS1CRUdJTi(?:BSU0EgU|BFQyBQ|BQUklW|BFTkNS|BPUEVO|BEU0EgU|BBTlkgU|BQR1AgUFJJ)[A-Za-z0-9+/]{16,}={0,2}"
        r"(?:\s{1,24}[A-Za-z0-9+/]{40,}={0,2})*",
    ),
    "private key": (
        ("private key-----", "private key block-----", "private key ----"),
        # its lines as they are, or quoted, escaped, indented, in a comment; a marker alone is no key
        # or whatever stands before each of them, up to its end
        rf"-----BEGIN {_KIND}-----(?>{_INSIDE}?(?<![A-Za-z0-9+/])(?:[A-Za-z0-9+/]{{64}}|[A-Za-z0-9+/]{{24,64}}=))"
        rf"{_INSIDE}?-----END {_KIND}-----|"
        rf"---- BEGIN [A-Z0-9 ]{{0,30}}PRIVATE KEY ----{_INSIDE}?---- END|"
        rf"-----BEGIN {_KIND}-----(?=[ \t\r]*\n|\\)"
        rf"{_BETWEEN}[A-Za-z0-9+/=]{{4,}}(?:{_BETWEEN}[A-Za-z0-9+/=]{{16,}})*"
        r"(?:[\s\S]{0,200}?-----END (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----)?",
    ),
    "PuTTY private key": (
        ("putty-user-key-file-",),
        r"PuTTY-User-Key-File-\d: (?:(?!PuTTY-)[\s\S]){0,8192}?Private-MAC: \w+",
    ),
    "age key": (("age-secret-key-",), r"\bAGE-SECRET-KEY-(?:PQ-)?1[0-9A-Z]{58,}\b"),
    "password in a URL": (("://",), r"://[^\s:/@'\"{}$<]{0,64}:(?P<password>[^\s:/@'\"{}$<]{6,128})@[\w.\-]+"),
    "password in a wide URL": (
        ("://",),
        r"\b(?:postgres(?:ql)?|mysql|mariadb|mongodb|rediss?|amqps?)(?:\+\w{1,16})?://[^\s:/@'\"{}$<]{0,64}"
        r":(?!\d{1,5}[/?])(?P<password>[^\s@'\"{}<]{6,128})@[\w.\-]+[:/]",
    ),
    "token in a URL": (
        ("://",),
        r"://(?P<secret>(?=[\w\-]*\d)(?=[\w\-]*[A-Za-z])[\w\-]{20,255})@[\w\-]+\.[\w.\-]+",
    ),
    "Oracle password": (
        ("jdbc:oracle:",),
        r"(?i:jdbc:oracle:\w+:)[\w.$]{1,64}/(?P<password>[^\s@'\"{}$<]{6,128})@",
    ),
    "password file": (
        (":",),
        r"(?m:^)[\w.*\-]{1,255}:(?:\d{4,5}|\*):(?:[A-Za-z]\w*|\*):[\w*\-]{1,64}"
        r":(?P<password>(?=\S*\d)(?=\S*[A-Za-z])[^\s:]{8,128})(?m:$)",
    ),
    "password on a command line": (
        ("curl", "mysql", "sshpass", "wget"),
        r"(?:\bcurl\b[^\n]{0,200}?\s(?:-u|--user|--proxy-user)[ =]?['\"]?[\w.@\-]{1,64}:"
        r"|\bmysql(?:dump|admin)?\b[^\n]{0,200}?\s-p|\bsshpass\s+-p\s?['\"]?)"
        r"(?P<password>(?=[^\s'\"]*\d)[^\s'\"@:/$<{]{6,128})(?![^\s'\"])",
    ),
    "session cookie": (
        ("cookie",),
        r"(?i:\b(?:set-)?cookie['\"]?\s?[:=,]\s?['\"]?(?:[\w\-]{1,64}=[^\s;]{0,256};\s?){0,8}?[\w\-]{0,40}(?:sess|sid|auth|token)"
        r"[\w\-]{0,40}=)(?P<secret>(?=[^\s;]*\d)[A-Za-z0-9%._\-]{20,1024})",
    ),
    "Docker login": (
        ("auths",),
        r"\"auths\"\s*:\s*\{[^}]{0,400}?\"auth\"\s*:\s*\"(?P<secret>[A-Za-z0-9+/]{12,}={0,2})\"",
    ),
    "authorization header": (
        ("authorization",),
        r"(?i:\bauthorization['\"]?\s?[:=,]\s?[bf]?['\"]?(?:bearer|basic|token|apikey|key|splunk|bot|negotiate)\s)(?P<secret>[\w.~+/\-]{16,}={0,2})",
    ),
}
SHAPES: Mapping[str, Shape] = {**_CODE_HOSTS, **_CLOUDS, **_MODELS, **_SERVICES, **_ANYWHERE}
