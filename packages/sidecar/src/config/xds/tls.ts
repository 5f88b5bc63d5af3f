// TLS for those who call, and towards those who are called. Secrets are files; they are read again
// when they change. Names and defaults are Envoy's. A cluster whose configuration says nothing
// about whom to trust is not verified, as in Envoy, and a note says that its TLS protects from
// nobody who stands between; one that does say so is verified by its host's name as well, where no
// names are given (Envoy looks at the signatures alone).
import type {
  CertificateFiles,
  DownstreamTlsConfig,
  PeerNameMatcher,
  UpstreamTlsConfig,
} from "../listener-config.ts";
import {
  anyOf,
  defaulted,
  ignored,
  label,
  type Message,
  message,
  only,
  optional,
  refused,
  required,
} from "../schema/message.ts";
import {
  bool,
  choice,
  list,
  name,
  type Reader,
  refine,
  text,
  Unsupported,
} from "../schema/reader.ts";
import { stringMatcher } from "./types.ts";

const file: Message<string> = message(
  "envoy.config.core.v3.DataSource",
  {
    filename: required(name),
    inline_string: refused("write it into a file, and its name here: secrets are not kept here"),
    inline_bytes: refused("write it into a file, and its name here: secrets are not kept here"),
    environment_variable: refused("write it into a file, and its name here"),
    watched_directory: ignored("the file itself is watched"),
  },
  ({ filename }) => filename,
);

const certificate: Message<CertificateFiles> = message(
  "envoy.extensions.transport_sockets.tls.v3.TlsCertificate",
  {
    certificate_chain: required(file),
    private_key: required(file),
    watched_directory: ignored("the files themselves are watched"),
    pkcs12: refused("write certificate_chain and private_key"),
    private_key_provider: refused("write private_key"),
    password: refused("use a key without a password, that only the proxy can read"),
    ocsp_staple: refused("take it out"),
    signed_certificate_timestamp: refused("take it out"),
  },
  ({ certificateChain, privateKey }) => ({
    certificateFile: certificateChain,
    keyFile: privateKey,
  }),
);

const minVersion = choice<"TLSv1.2" | "TLSv1.3">("TlsProtocol", {
  TLS_AUTO: "TLSv1.2",
  TLSv1_0: new Unsupported("write TLSv1_2: RFC 8996 ends the ones before it"),
  TLSv1_1: new Unsupported("write TLSv1_2: RFC 8996 ends the ones before it"),
  TLSv1_2: "TLSv1.2",
  TLSv1_3: "TLSv1.3",
});

const parameters: Message<"TLSv1.2" | "TLSv1.3"> = message(
  "envoy.extensions.transport_sockets.tls.v3.TlsParameters",
  {
    tls_minimum_protocol_version: defaulted(minVersion, "TLSv1.2"),
    tls_maximum_protocol_version: defaulted(
      choice("TlsProtocol", {
        TLS_AUTO: "",
        TLSv1_0: new Unsupported("take it out"),
        TLSv1_1: new Unsupported("take it out"),
        TLSv1_2: new Unsupported("take it out"),
        TLSv1_3: "",
      }),
      "",
    ),
    cipher_suites: refused("take them out: the platform's are used"),
    ecdh_curves: refused("take them out: the platform's are used"),
    signature_algorithms: refused("take them out: the platform's are used"),
    compliance_policies: refused("take them out"),
  },
  (values) => values.tlsMinimumProtocolVersion,
);

const nameMatcher: Message<PeerNameMatcher> = message(
  "envoy.extensions.transport_sockets.tls.v3.SubjectAltNameMatcher",
  {
    san_type: required(
      choice<"dns" | "uri">("SanType", {
        SAN_TYPE_UNSPECIFIED: new Unsupported("write URI or DNS"),
        EMAIL: new Unsupported("write URI or DNS"),
        DNS: "dns",
        URI: "uri",
        IP_ADDRESS: new Unsupported("write URI or DNS"),
        OTHER_NAME: new Unsupported("write URI or DNS"),
      }),
    ),
    matcher: required(stringMatcher),
    oid: refused("write URI or DNS"),
  },
  ({ sanType: kind, matcher: value }) => ({ kind, value }),
);

interface Validation {
  readonly caFile: string | undefined;
  readonly names: readonly PeerNameMatcher[];
}

const validation: Message<Validation> = message(
  "envoy.extensions.transport_sockets.tls.v3.CertificateValidationContext",
  {
    trusted_ca: optional(file),
    match_typed_subject_alt_names: defaulted(list(nameMatcher), []),
    match_subject_alt_names: defaulted(list(stringMatcher), []),
    ca_certificate_provider_instance: refused("write trusted_ca"),
    system_root_certs: refused("write trusted_ca with the system's file"),
    watched_directory: ignored("the file itself is watched"),
    verify_certificate_spki: refused("use match_typed_subject_alt_names"),
    verify_certificate_hash: refused("use match_typed_subject_alt_names"),
    require_signed_certificate_timestamp: only(false, "take it out"),
    crl: refused("use certificates that live for hours"),
    allow_expired_certificate: only(false, "renew the certificate"),
    trust_chain_verification: only("VERIFY_TRUST_CHAIN", "an unverified name says nothing"),
    custom_validator_config: refused("use match_typed_subject_alt_names"),
    only_verify_leaf_cert_crl: refused("use certificates that live for hours"),
    max_verify_depth: ignored("the platform bounds it"),
  },
  (values, node) => {
    const untyped = values.matchSubjectAltNames.map((value) => ({ kind: "any" as const, value }));
    const names = [...values.matchTypedSubjectAltNames, ...untyped];
    if (names.length > 0 && values.trustedCa === undefined) {
      node.fail("has names to match, and nobody to vouch for them", "add trusted_ca");
    }
    return { caFile: values.trustedCa, names };
  },
);

const alpn: Reader<string> = refine(name, (protocol, node) => {
  if (protocol.length <= 255) return protocol;
  return node.fail(`is ${protocol.length} bytes long, at most 255`, "see RFC 7301");
});

const sds = refused("write the files' names: secrets come from files");

const common = message(
  "envoy.extensions.transport_sockets.tls.v3.CommonTlsContext",
  {
    tls_params: defaulted(parameters, "TLSv1.2"),
    tls_certificates: defaulted(list(certificate), []),
    validation_context: defaulted(validation, { caFile: undefined, names: [] }),
    alpn_protocols: defaulted(list(alpn, 16), []),
    tls_certificate_sds_secret_configs: sds,
    tls_certificate_provider_instance: sds,
    custom_tls_certificate_selector: sds,
    tls_certificate_certificate_provider: sds,
    tls_certificate_certificate_provider_instance: sds,
    validation_context_sds_secret_config: sds,
    combined_validation_context: sds,
    validation_context_certificate_provider: sds,
    validation_context_certificate_provider_instance: sds,
    custom_handshaker: refused("take it out"),
    key_log: refused("take it out: it gives away what TLS protects"),
  },
  (values) => values,
);

const noTickets = refused("take it out: sessions are resumed by the platform's defaults");

const downstream: Message<DownstreamTlsConfig> = message(
  "envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
  {
    common_tls_context: required(common),
    require_client_certificate: defaulted(bool, false),
    require_sni: only(false, "write server_names into the filter_chain_match"),
    session_ticket_keys: noTickets,
    session_ticket_keys_sds_secret_config: noTickets,
    disable_stateless_session_resumption: noTickets,
    disable_stateful_session_resumption: noTickets,
    session_timeout: noTickets,
    ocsp_staple_policy: only("LENIENT_STAPLING", "take it out"),
    full_scan_certs_on_sni_mismatch: refused("write a filter chain for each name"),
    prefer_client_ciphers: refused("take it out"),
  },
  ({ commonTlsContext: values, requireClientCertificate }, node) => {
    if (values.tlsCertificates.length === 0) {
      node.fail("has no certificate", "add tls_certificates to common_tls_context");
    }
    if (requireClientCertificate && values.validationContext.caFile === undefined) {
      node.fail(
        "requires a client's certificate, and nobody to vouch for it",
        "add trusted_ca to the validation_context",
      );
    }
    return {
      certificates: values.tlsCertificates,
      applicationProtocols: values.alpnProtocols,
      minVersion: values.tlsParams,
      clientCaFile: values.validationContext.caFile,
      requireClientCertificate,
      allowedNames: values.validationContext.names,
    };
  },
);

const upstream: Message<UpstreamTlsConfig> = message(
  "envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
  {
    common_tls_context: required(common),
    sni: optional(text),
    auto_host_sni: only(false, "write sni"),
    auto_sni_san_validation: ignored("names are always verified"),
    allow_renegotiation: only(false, "take it out"),
    max_session_keys: ignored("sessions are resumed by the platform's defaults"),
    enforce_rsa_key_usage: ignored("the platform decides"),
  },
  ({ commonTlsContext: values, sni }, node) => {
    const { caFile, names } = values.validationContext;
    if (values.tlsCertificates.length > 1) {
      node.fail(`has ${values.tlsCertificates.length} certificates`, "keep one");
    }
    if (caFile === undefined) {
      node.note("has no trusted_ca: the other side is not verified, and could be anyone");
    } else if (!sni && names.length === 0) {
      node.note("has neither sni nor names: the endpoint's hostname or address must be certified");
    }
    return {
      certificate: values.tlsCertificates[0],
      caFile,
      serverName: sni === "" ? undefined : sni,
      applicationProtocols: values.alpnProtocols,
      minVersion: values.tlsParams,
      allowedNames: names,
    };
  },
);

const raw = message(
  "envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer",
  {},
  () => undefined,
);

/** A transport socket towards those who call; `undefined`: none but TCP. */
export const downstreamSocket: Message<DownstreamTlsConfig | undefined> = message(
  "envoy.config.core.v3.TransportSocket",
  {
    name: label("the type of typed_config decides"),
    typed_config: required(anyOf<DownstreamTlsConfig | undefined>(downstream, raw)),
  },
  (values) => values.typedConfig,
);

/** A transport socket towards a cluster. */
export const upstreamSocket: Message<UpstreamTlsConfig | undefined> = message(
  "envoy.config.core.v3.TransportSocket",
  {
    name: label("the type of typed_config decides"),
    typed_config: required(anyOf<UpstreamTlsConfig | undefined>(upstream, raw)),
  },
  (values) => values.typedConfig,
);
