package io.moetier.cluster.link;

import io.grpc.netty.shaded.io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.shaded.io.netty.handler.ssl.ClientAuth;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslContext;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslContextBuilder;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslProvider;
import io.moetier.cluster.membership.SharedSecret;
import io.moetier.cluster.membership.TlsFolder;
import java.util.Optional;
import javax.net.ssl.SSLException;

/// How both sides of a link prove that they belong to the cluster: by a secret, by certificates, or by both.
///
/// A secret proves who opened a link and who took it, and hides nothing: where others can read or change what crosses
/// the network, certificates are needed.
///
/// @param secret that both sides know
/// @param tls with which links are encrypted
public record LinkSecurity(Optional<SharedSecret> secret, Optional<TlsFolder> tls) {
    private static final String PROTOCOL = "TLSv1.3";

    /// @throws IllegalArgumentException if there is neither
    public LinkSecurity {
        if (secret.isEmpty() && tls.isEmpty()) {
            throw new IllegalArgumentException("a link needs a secret or certificates");
        }
    }

    static SslContext client(TlsFolder tls) {
        return build(SslContextBuilder.forClient().keyManager(tls.key(), tls.chain()), tls);
    }

    static SslContext server(TlsFolder tls) {
        return build(SslContextBuilder.forServer(tls.key(), tls.chain()).clientAuth(ClientAuth.REQUIRE), tls);
    }

    private static SslContext build(SslContextBuilder builder, TlsFolder tls) {
        try {
            return GrpcSslContexts.configure(builder, SslProvider.JDK)
                    .trustManager(tls.trust())
                    .protocols(PROTOCOL)
                    .build();
        } catch (SSLException e) {
            throw new IllegalStateException(tls.folder() + ": " + e.getMessage(), e);
        }
    }
}
