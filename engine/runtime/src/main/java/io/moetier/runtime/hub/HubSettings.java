package io.moetier.runtime.hub;

import java.net.ProxySelector;
import java.net.URI;
import java.util.Optional;

/// How the hub is reached.
///
/// @param endpoint its address, without a slash at the end
/// @param token who asks; it is sent to the endpoint and to nobody else
/// @param proxy by which way requests go
/// @param offline whether it must not be asked at all
public record HubSettings(URI endpoint, Optional<String> token, ProxySelector proxy, boolean offline) {
    /// The hub that everybody means.
    public static final URI PUBLIC = URI.create("https://huggingface.co");

    /// @throws IllegalArgumentException if the address or the token cannot be
    public HubSettings {
        boolean web = "https".equals(endpoint.getScheme()) || "http".equals(endpoint.getScheme());
        if (!web || endpoint.getHost() == null || endpoint.getQuery() != null || endpoint.getUserInfo() != null) {
            throw new IllegalArgumentException(
                    "expected the hub's address as https://huggingface.co, found '" + endpoint + "'");
        }
        if (token.isPresent() && !token.get().matches("[\\x21-\\x7e]+")) {
            throw new IllegalArgumentException("the hub's token has characters that no token has");
        }
        String text = endpoint.toString();
        endpoint = text.endsWith("/") ? URI.create(text.replaceFirst("/+$", "")) : endpoint;
    }

    /// Returns what to say of a token that everybody on the way can read.
    Optional<String> warning() {
        String host = endpoint.getHost();
        boolean here = host.equals("localhost") || host.startsWith("127.") || host.equals("[::1]");
        return token.isPresent() && !here && "http".equals(endpoint.getScheme())
                ? Optional.of("the hub's token is sent to " + endpoint + ", and whoever is on the way can read it")
                : Optional.empty();
    }

    /// Keeps the token to itself.
    @Override
    public String toString() {
        return endpoint + (token.isPresent() ? " with a token" : "") + (offline ? ", offline" : "");
    }
}
