// A document in JSON, with the names that proto3 gives it there.

/** gRPC: HTTP/2 both ways, deadlines, a subset by version. In lowerCamelCase, as JSON has it. */
export const grpcDocument = JSON.stringify({
  staticResources: {
    listeners: [
      {
        name: "grpc",
        address: { socketAddress: { address: "127.0.0.1", portValue: 50051 } },
        filterChains: [
          {
            filters: [
              {
                name: "hcm",
                typedConfig: {
                  "@type":
                    "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
                  statPrefix: "grpc",
                  codecType: "HTTP2",
                  http2ProtocolOptions: { maxConcurrentStreams: 50 },
                  httpFilters: [
                    {
                      name: "router",
                      typedConfig: {
                        "@type":
                          "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router",
                      },
                    },
                  ],
                  routeConfig: {
                    virtualHosts: [
                      {
                        name: "greeter",
                        domains: ["*"],
                        routes: [
                          {
                            match: { prefix: "/greeter.Greeter/", grpc: {} },
                            route: {
                              cluster: "greeter",
                              timeout: "0s",
                              maxStreamDuration: { grpcTimeoutHeaderMax: "30s" },
                              metadataMatch: {
                                filterMetadata: { "envoy.lb": { version: "2" } },
                              },
                              retryPolicy: {
                                retryOn: "unavailable,cancelled",
                                perTryTimeout: "0.5s",
                                retryBackOff: { baseInterval: "0.01s" },
                              },
                              hedgePolicy: { hedgeOnPerTryTimeout: true },
                            },
                          },
                        ],
                      },
                    ],
                  },
                },
              },
            ],
          },
        ],
      },
    ],
    clusters: [
      {
        name: "greeter",
        type: "STATIC",
        loadBalancingPolicy: {
          policies: [
            {
              typedExtensionConfig: {
                name: "peak",
                typedConfig: {
                  "@type":
                    "type.googleapis.com/envoy.extensions.load_balancing_policies.peak_ewma.v3alpha.PeakEwma",
                  decayTime: "5s",
                },
              },
            },
          ],
        },
        lbSubsetConfig: {
          fallbackPolicy: "ANY_ENDPOINT",
          subsetSelectors: [{ keys: ["version"] }],
        },
        typedExtensionProtocolOptions: {
          "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
            "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
            explicitHttpConfig: { http2ProtocolOptions: {} },
            commonHttpProtocolOptions: { idleTimeout: "60s" },
          },
        },
        healthChecks: [
          {
            timeout: "1s",
            interval: "2s",
            unhealthyThreshold: 2,
            healthyThreshold: 1,
            grpcHealthCheck: { serviceName: "greeter.Greeter" },
          },
        ],
        loadAssignment: {
          clusterName: "greeter",
          endpoints: [
            {
              lbEndpoints: [
                {
                  endpoint: {
                    address: { socketAddress: { address: "127.0.0.1", portValue: 50052 } },
                  },
                  metadata: { filterMetadata: { "envoy.lb": { version: 2 } } },
                },
              ],
            },
          ],
        },
      },
    ],
  },
});
