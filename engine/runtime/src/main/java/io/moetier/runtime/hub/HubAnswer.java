package io.moetier.runtime.hub;

import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpHeaders;

/// An answer, after redirections.
///
/// @param location who answered
/// @param first the headers of who was asked first
/// @param headers those of who answered
/// @param body which whoever reads closes
record HubAnswer(URI location, int status, HttpHeaders first, HttpHeaders headers, InputStream body)
        implements AutoCloseable {
    @Override
    public void close() throws IOException {
        body.close();
    }
}
