package io.moetier.runtime.hub;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.UnknownHostException;
import java.net.http.HttpClient;
import java.net.http.HttpClient.Redirect;
import java.net.http.HttpClient.Version;
import java.net.http.HttpHeaders;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpTimeoutException;
import java.nio.channels.UnresolvedAddressException;
import java.security.GeneralSecurityException;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import javax.net.ssl.SSLException;

/// Requests to the hub and to where it sends us.
///
/// Redirections are followed here, since the token is for the hub alone. Ranges come over several connections, which
/// HTTP/2 would make one.
final class HubConnection implements AutoCloseable {
    private static final int MOST_REDIRECTIONS = 8;
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    /// They hand on what comes, and wait for no more than names of hosts.
    private static final int NUM_THREADS = 4;

    private final HubSettings settings;
    private final ExecutorService threads;
    private final HttpClient client;

    HubConnection(HubSettings settings) {
        this.settings = settings;
        this.threads = started();
        this.client = HttpClient.newBuilder()
                .version(Version.HTTP_1_1)
                .followRedirects(Redirect.NEVER)
                .connectTimeout(PATIENCE)
                .proxy(settings.proxy())
                .executor(threads)
                .build();
    }

    /// Returns threads that run already. One that the client cannot start later is not missed by it, and whoever asks
    /// waits in vain.
    private static ExecutorService started() {
        ThreadPoolExecutor threads = new ThreadPoolExecutor(
                NUM_THREADS,
                NUM_THREADS,
                0,
                TimeUnit.SECONDS,
                new LinkedBlockingQueue<>(),
                Thread.ofPlatform().daemon().name("moetier-hub-", 1).factory());
        threads.prestartAllCoreThreads();
        return threads;
    }

    /// Asks for `uri`.
    ///
    /// @param range as in the header `Range`; nothing for all
    /// @throws HubException if there is no answer; one of any status is an answer
    HubAnswer get(URI uri, Optional<String> range) throws IOException {
        if (settings.offline()) {
            throw HubException.lasting("the hub is not asked, as HF_HUB_OFFLINE or TRANSFORMERS_OFFLINE says: " + uri);
        }
        URI location = uri;
        Optional<HttpHeaders> first = Optional.empty();
        for (int redirections = 0; redirections <= MOST_REDIRECTIONS; redirections++) {
            HttpResponse<TimedBody> response = send(location, range);
            HttpHeaders headers = response.headers();
            first = first.or(() -> Optional.of(headers));
            if (!isRedirection(response.statusCode())) {
                return new HubAnswer(location, response.statusCode(), first.get(), headers, response.body());
            }
            response.body().close();
            location = next(location, headers);
        }
        throw HubException.lasting(uri + ": redirected more than " + MOST_REDIRECTIONS + " times");
    }

    private HttpResponse<TimedBody> send(URI uri, Optional<String> range) throws IOException {
        HttpRequest.Builder request = HttpRequest.newBuilder(uri)
                .timeout(PATIENCE)
                .header("User-Agent", "moetier")
                .header("Accept-Encoding", "identity");
        range.ifPresent(bytes -> request.header("Range", bytes));
        if (isHub(uri)) {
            settings.token().ifPresent(token -> request.header("Authorization", "Bearer " + token));
        }
        try {
            return client.send(request.build(), answer -> new TimedBody(PATIENCE));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted while asking the hub");
        } catch (IOException e) {
            throw HubException.passing(uri.getHost() + proxy(uri) + ": " + reason(e), e);
        }
    }

    /// Says by which proxy a host was to be reached, if by any: what failed may be that.
    private String proxy(URI uri) {
        return settings.proxy().select(uri).stream()
                .filter(proxy -> proxy.address() instanceof InetSocketAddress)
                .map(proxy -> (InetSocketAddress) proxy.address())
                .map(address -> ", by the proxy " + address.getHostString() + ":" + address.getPort())
                .findFirst()
                .orElse("");
    }

    static String reason(IOException failure) {
        return switch (failure) {
            case ConnectException e
            when e.getCause() instanceof UnresolvedAddressException || e.getCause() instanceof UnknownHostException ->
                "no such host is known; is there a network?";
            case ConnectException _ -> "no connection; is there a network?";
            case HttpTimeoutException _ -> "nothing came for " + PATIENCE.toSeconds() + " s";
            case SSLException e -> "no secure connection: " + refused(e).orElse(String.valueOf(e.getMessage()));
            default ->
                Objects.requireNonNullElse(
                        failure.getMessage(), failure.getClass().getSimpleName());
        };
    }

    /// Returns what is wrong with a certificate, if that is it: the last cause says so without names of classes.
    private static Optional<String> refused(SSLException failure) {
        return Stream.iterate((Throwable) failure, Objects::nonNull, Throwable::getCause)
                .filter(GeneralSecurityException.class::isInstance)
                .reduce((_, cause) -> cause)
                .map(cause -> "the certificate is not accepted (" + cause.getMessage() + ")");
    }

    private static boolean isRedirection(int status) {
        return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
    }

    private static URI next(URI location, HttpHeaders headers) throws HubException {
        String text = headers.firstValue("Location").orElse("");
        URI next;
        try {
            next = location.resolve(text);
        } catch (IllegalArgumentException e) {
            throw HubException.lasting(withoutSignature(location) + ": redirected to no address");
        }
        boolean safe = "https".equals(next.getScheme())
                || ("http".equals(next.getScheme()) && "http".equals(location.getScheme()));
        if (text.isEmpty() || !safe || next.getHost() == null) {
            throw HubException.lasting(withoutSignature(location) + ": redirected to no address of the same safety");
        }
        return next;
    }

    /// Signed addresses open what they lead to for whoever has them.
    private static String withoutSignature(URI location) {
        return location.getScheme() + "://" + location.getAuthority() + location.getPath();
    }

    /// Says whether the hub itself is asked: by the same protocol at the same host and port.
    boolean isHub(URI uri) {
        return Objects.equals(uri.getScheme(), settings.endpoint().getScheme())
                && uri.getAuthority().equalsIgnoreCase(settings.endpoint().getAuthority());
    }

    @Override
    public void close() {
        client.shutdownNow();
        client.close();
        threads.shutdownNow(); // and not awaited: one may still wait for the name of a host
    }
}
