package io.moetier.cli.terminal;

import java.io.IOException;
import java.math.BigInteger;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.ProxySelector;
import java.net.SocketAddress;
import java.net.URI;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;

/// The proxies that variables name, as curl and others read them: `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, and
/// `NO_PROXY` for hosts that are reached without one. Names in lower case come first.
final class ProxyVariables extends ProxySelector {
    private static final int DEFAULT_PORT = 1080;

    private final Surroundings surroundings;

    private ProxyVariables(Surroundings surroundings) {
        this.surroundings = surroundings;
    }

    /// Returns what the variables say; where they say nothing, what the JVM was told.
    static ProxySelector of(Surroundings surroundings) {
        ProxyVariables variables = new ProxyVariables(surroundings);
        boolean named = Stream.of("https_proxy", "http_proxy", "all_proxy")
                .anyMatch(name -> variables.value(name).isPresent());
        return named
                ? variables
                : Optional.ofNullable(ProxySelector.getDefault()).orElse(ProxySelector.of(null));
    }

    private Optional<String> value(String name) {
        return Optional.ofNullable(surroundings.variable(name))
                .or(() -> Optional.ofNullable(surroundings.variable(name.toUpperCase(Locale.ROOT))));
    }

    @Override
    public List<Proxy> select(URI uri) {
        Optional<String> proxy = value(uri.getScheme() + "_proxy").or(() -> value("all_proxy"));
        return proxy.isEmpty() || isReachedWithout(uri) ? List.of(Proxy.NO_PROXY) : List.of(proxy(proxy.get()));
    }

    private static Proxy proxy(String text) {
        try {
            URI uri = URI.create(text.contains("://") ? text : "http://" + text);
            if ("http".equals(uri.getScheme()) && uri.getHost() != null && uri.getUserInfo() == null) {
                int port = uri.getPort() < 0 ? DEFAULT_PORT : uri.getPort();
                return new Proxy(Proxy.Type.HTTP, InetSocketAddress.createUnresolved(uri.getHost(), port));
            }
        } catch (IllegalArgumentException e) {
            // no address at all
        }
        throw new IllegalArgumentException(
                "the variable of a proxy: expected http://HOST:PORT without a password, found another address");
    }

    private boolean isReachedWithout(URI uri) {
        String host = "." + uri.getHost().toLowerCase(Locale.ROOT);
        return value("no_proxy").stream()
                .flatMap(list -> Stream.of(list.split("[,\\s]+")))
                .map(word -> word.toLowerCase(Locale.ROOT).replaceFirst("^\\*?\\.", ""))
                .anyMatch(word -> word.equals("*")
                        || (!word.isEmpty() && host.endsWith("." + word))
                        || isOfNetwork(uri.getHost(), word));
    }

    /// Says whether a host is an address, and is `word` or of the network that this is, as `10.0.0.0/8`.
    private static boolean isOfNetwork(String host, String word) {
        String[] parts = word.split("/", 2);
        try {
            byte[] address = address(host);
            byte[] network = address(parts[0]);
            int bits = address.length * Byte.SIZE;
            int common = parts.length == 1 ? bits : Integer.parseInt(parts[1]);
            BigInteger difference = new BigInteger(1, address).xor(new BigInteger(1, network));
            return address.length == network.length && common >= 0 && difference.bitLength() <= bits - common;
        } catch (IllegalArgumentException e) {
            return false; // names are no addresses
        }
    }

    private static byte[] address(String text) {
        return InetAddress.ofLiteral(text.replaceAll("^\\[|]$", "")).getAddress();
    }

    @Override
    public void connectFailed(URI uri, SocketAddress address, IOException failure) {
        // whoever asked is told
    }
}
