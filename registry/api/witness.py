"""A witness as a service of its own: one address, `POST /add-checkpoint` (C2SP tlog-witness)."""

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from registry.audit.witness import LARGEST_REQUEST, Witness
from registry.clock import Clock


def witness_app(witness: Witness, clock: Clock) -> Starlette:
    """The witness over HTTP; to be put behind TLS, and nothing else."""

    async def add_checkpoint(request: Request) -> Response:
        body = b""
        async for piece in request.stream():
            body += piece
            if len(body) > LARGEST_REQUEST:
                return PlainTextResponse("this is too large to be a submission\n", 413)
        now = int(clock().timestamp())
        answer = await run_in_threadpool(witness.add_checkpoint, body, now)
        # As a header: given as a media type, Starlette would add a character set to it.
        headers = {"content-type": answer.media_type}
        return Response(answer.body, answer.status, headers=headers)

    return Starlette(routes=[Route("/add-checkpoint", add_checkpoint, methods=["POST"])])
