#!/usr/bin/env php
<?php
// SPDX-License-Identifier: MIT
// Sends one command to Redis through a connection of a pool. Any number of these short programs share the SIZE connections:
// minimiod holds the connections, each program has one connection alone, and a program waits while no connection is free.
// usage: redis_pool.php LOOP HOST:PORT SIZE COMMAND [ARGUMENT...]    prints the reply

[, $loop, $address, $size] = $argv + array_fill(0, 4, null);
$command = array_slice($argv, 4);
if (!$command) {
    fwrite(STDERR, "usage: redis_pool.php LOOP HOST:PORT SIZE COMMAND [ARGUMENT...]\n");
    exit(2);
}

function fail(string $why): never
{
    fwrite(STDERR, "redis_pool.php: $why\n");
    exit(1);
}

// ---- The session with minimiod: one request at a time

$daemon = socket_create(AF_UNIX, SOCK_STREAM, 0);
@socket_connect($daemon, getenv('MINIMIO_SOCKET') ?: '/run/minimio/minimio.sock')
    || fail('no minimiod: ' . socket_strerror(socket_last_error($daemon)));

// Returns the reply. A descriptor that comes beside the reply is in $descriptor.
function request(string $method, array $params, &$descriptor = null): array
{
    global $daemon;
    $request = json_encode(['jsonrpc' => '2.0', 'id' => 1, 'method' => $method, 'params' => $params]) . "\n";
    while ($request !== '') {
        $sent = socket_write($daemon, $request);
        $sent !== false || fail('minimiod closed the session');
        $request = substr($request, $sent);
    }
    for ($line = ''; !str_ends_with($line, "\n"); $line .= $message['iov'][0]) {
        $message = ['controllen' => socket_cmsg_space(SOL_SOCKET, SCM_RIGHTS, 1), 'buffer_size' => 65536];
        socket_recvmsg($daemon, $message, MSG_CMSG_CLOEXEC) || fail('minimiod closed the session');
        $descriptor = $message['control'][0]['data'][0] ?? $descriptor;
    }
    $reply = json_decode($line, true);
    isset($reply['id']) || fail("the loop has ended: $line"); // loop_closed or loop_detached
    return $reply;
}

function call(string $method, array $params, &$descriptor = null): array
{
    $reply = request($method, $params, $descriptor);
    return $reply['result'] ?? fail($reply['error']['message']);
}

// ---- The pool

// Connects the token unless a connection is there. LEASED: the connection is there, and another program has it.
function connect(int $token): void
{
    global $address;
    $params = ['token' => $token, 'address' => $address, 'interests' => ['writable'], 'ensure' => true];
    $error = request('register', $params)['error'] ?? null;
    !$error || $error['data']['name'] === 'LEASED' || fail($error['message']);
}

// Waits for a free connection. A connection that another program held when the program died may have half a reply in it,
// and a connection that Redis has closed is of no use: both are replaced.
function check_out(): int
{
    while (true) {
        $event = call('poll', ['max' => 1])['events'][0];
        if (array_keys($event) === ['token', 'writable']) {
            return $event['token'];
        }
        call('deregister', ['token' => $event['token']]);
        connect($event['token']);
    }
}

// ---- Redis

function read_reply($redis): mixed
{
    $line = fgets($redis);
    str_ends_with((string)$line, "\r\n") || fail('Redis closed the connection');
    $rest = substr($line, 1, -2);
    switch ($line[0]) {
    case '-':
        return new Exception($rest);
    case '$':
        return $rest < 0 ? null : substr(stream_get_contents($redis, $rest + 2), 0, -2);
    case '*':
        return array_map(fn() => read_reply($redis), $rest > 0 ? range(1, $rest) : []);
    default:
        return $rest;
    }
}

$there = call('open_loop', ['name' => $loop, 'role' => 'worker', 'delivery' => 'poll'])['registrations'];
for ($token = 1; $there < $size && $token <= $size; $token++) {
    connect($token);
}
$token = check_out();
call('take', ['token' => $token, 'keep' => true], $descriptor);
$redis = socket_export_stream($descriptor);
stream_set_blocking($redis, true);

$request = '*' . count($command) . "\r\n";
foreach ($command as $word) {
    $request .= '$' . strlen($word) . "\r\n$word\r\n";
}
fwrite($redis, $request);
$reply = read_reply($redis);
call('reregister', ['token' => $token, 'interests' => ['writable']]); // the whole reply was read: back in the pool
!$reply instanceof Exception || fail($reply->getMessage());
echo implode("\n", (array)$reply), "\n";
