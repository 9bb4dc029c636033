package io.moetier.cluster.link;

import io.grpc.Status;
import io.moetier.cluster.membership.Identity;
import io.moetier.storage.format.IoFailure;
import io.moetier.storage.format.UnsafeCharacters;
import java.io.IOException;
import java.security.cert.CertificateException;
import java.util.Objects;
import java.util.Optional;
import javax.net.ssl.SSLException;

/// What is said when a link ends, in words.
///
/// A refusal crosses as a status of gRPC that gRPC itself does not use on this path; all else is of the transport.
final class Failure {
    private static final int MAX_LETTERS = 1000;

    private Failure() {}

    /// Returns the status that tells the other side why it is refused.
    static Status refusal(RuntimeException reason) {
        return Status.FAILED_PRECONDITION.withDescription(shown(String.valueOf(reason.getMessage())));
    }

    /// Returns why the other side refused, if it did.
    static Optional<String> refusal(Status status) {
        return status.getCode() == Status.Code.FAILED_PRECONDITION && status.getDescription() != null
                ? Optional.of(shown(status.getDescription()))
                : Optional.empty();
    }

    /// Returns why the transport ended a link.
    static String reason(Status status, Identity identity) {
        return reasonOfTls(status, identity)
                .or(() -> deepest(status, IOException.class).map(e -> shown(IoFailure.reason(e))))
                .orElseGet(() -> shown(Objects.requireNonNullElse(
                        status.getDescription(), status.getCode().toString())));
    }

    private static Optional<String> reasonOfTls(Status status, Identity identity) {
        if (deepest(status, CertificateException.class).isPresent()) {
            return Optional.of(identity.folder()
                    .map(tls -> "its certificate does not come from the authority of " + tls.authorityFile())
                    .orElse("it does not have the secret of this cluster"));
        }
        return deepest(status, SSLException.class).map(e -> {
            String message = shown(String.valueOf(e.getMessage()));
            return message.contains("fatal alert")
                    ? "it does not take the "
                            + identity.folder()
                                    .map(tls -> "certificate of " + tls.certificateFile())
                                    .orElse("secret of this cluster")
                            + ": " + message
                    : "no TLS with it: " + message;
        });
    }

    private static <T extends Throwable> Optional<T> deepest(Status status, Class<T> kind) {
        Optional<T> found = Optional.empty();
        for (Throwable cause = status.getCause(); cause != null; cause = cause.getCause()) {
            if (kind.isInstance(cause)) {
                found = Optional.of(kind.cast(cause));
            }
        }
        return found;
    }

    /// Returns a text of the other side's as a terminal may show it.
    private static String shown(String text) {
        String cut = text.length() > MAX_LETTERS ? text.substring(0, MAX_LETTERS) + "…" : text;
        return UnsafeCharacters.replace(cut, UnsafeCharacters::isUnsafe, letter -> " ");
    }
}
