"""Errors of the HTTP API -> problem+json (RFC 9457). No question text is repeated in one."""

import json
import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from ketqa.errors import EngineAway, QuestionError

MEDIA_TYPE = "application/problem+json"
# A field's name that is wrong may be as long as its request.
MOST_TOLD = 500
# Seconds after which a server that searches may be there again.
RETRY = 10
log = logging.getLogger(__name__)


class Problem(BaseModel):
    """What went wrong (RFC 9457)."""

    type: str = "about:blank"
    title: str
    status: int = Field(ge=400, le=599)
    detail: str = Field(description="what is wrong, and how to mend it")


def problem(status: int, detail: str, headers: Mapping[str, str] | None = None) -> Response:
    """Return a response that tells what went wrong."""
    told = Problem(title=HTTPStatus(status).phrase, status=status, detail=detail)
    return Response(
        json.dumps(told.model_dump(), ensure_ascii=False), status, headers, media_type=MEDIA_TYPE
    )


def described(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the OpenAPI responses of the problems that a path may answer with."""
    schema = {"schema": {"$ref": "#/components/schemas/Problem"}}
    return {
        status: {"description": HTTPStatus(status).phrase, "content": {MEDIA_TYPE: schema}}
        for status in statuses
    }


def add_handlers(app: FastAPI) -> None:
    """Let an application answer every error with a problem."""
    app.add_exception_handler(QuestionError, _cannot_be_asked)
    app.add_exception_handler(EngineAway, _away)
    app.add_exception_handler(RequestValidationError, _not_as_described)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(Exception, _broken)


def _cannot_be_asked(_: Request, error: Exception) -> Response:
    return problem(422, str(error))


def _away(_: Request, error: Exception) -> Response:
    return problem(503, str(error), {"Retry-After": str(RETRY)})


def _not_as_described(_: Request, error: Exception) -> Response:
    """Name the fields that are wrong, never what they held."""
    errors = error.errors() if isinstance(error, RequestValidationError) else ()
    told = [f"{'.'.join(map(str, one['loc'][1:])) or 'the body'}: {one['msg']}" for one in errors]
    return problem(422, "; ".join(told)[:MOST_TOLD].encode("utf-8", "replace").decode())


def _refused(_: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    return problem(error.status_code, error.detail, error.headers)


def _broken(request: Request, error: Exception) -> Response:
    log.error("%s %s: %s", request.method, request.url.path, type(error).__name__)
    return problem(500, "something broke here that was not foreseen; please report it")
