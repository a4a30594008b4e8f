/* SPDX-License-Identifier: MIT */
#include "daemon/sessions/session.h"

bool session_is_ending(struct session *session)
{
    return session->retired || session->conn.state == CONN_ABORTED || conn_has_hung_up(&session->conn);
}

void session_update_worker(struct session *session)
{
    session->member.is_receptive = conn_is_writable(&session->conn) && session->conn.input == INPUT_OPEN;
    member_update(&session->member);
}

void session_resume_input(struct session *session)
{
    conn_schedule_input(&session->conn);
}
