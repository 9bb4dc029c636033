package io.moetier.cluster.link;

import io.grpc.netty.shaded.io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.shaded.io.netty.handler.ssl.ClientAuth;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslContext;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslContextBuilder;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslProvider;
import io.moetier.cluster.membership.Identity;
import javax.net.ssl.SSLException;

/// What encrypts links, where both sides show who they are before anything is read.
final class Tls {
    private Tls() {}

    static SslContext client(Identity identity) {
        return build(SslContextBuilder.forClient().keyManager(identity.keyManager()), identity);
    }

    static SslContext server(Identity identity) {
        return build(SslContextBuilder.forServer(identity.keyManager()).clientAuth(ClientAuth.REQUIRE), identity);
    }

    private static SslContext build(SslContextBuilder builder, Identity identity) {
        try {
            return GrpcSslContexts.configure(builder, SslProvider.JDK)
                    .trustManager(identity.trust())
                    .protocols(Identity.PROTOCOL)
                    .build();
        } catch (SSLException e) {
            throw new IllegalStateException(e); // every Java has it
        }
    }
}
